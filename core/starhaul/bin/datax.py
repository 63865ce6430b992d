"""What schedulers call as `python $DATAX_HOME/bin/datax.py`: with `DATAX_HOME` set to the folder of this package, it is
Starhaul that they run. The same as the command `datax`."""

from __future__ import annotations

from starhaul.cli.datax import main

if __name__ == "__main__":
    main()
