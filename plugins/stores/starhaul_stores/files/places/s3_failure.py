"""What an object store's refusals and broken connections mean to a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from socket import gaierror

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.files.places.place import Place

_CREDENTIALS = {
    "AuthFailure": "are refused",
    "ExpiredToken": "have expired",
    "InvalidAccessKeyId": "are refused: there is no such access key",
    "InvalidToken": "are refused: the session token is wrong",
    "SignatureDoesNotMatch": "are refused: the secret is wrong",
    "RequestTimeTooSkewed": "are refused: the clock of this machine is wrong",
}
_PASSING = frozenset(
    ("InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling", "429")
)
_NO_SPACE = frozenset(("InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"))
"""The words of versitygw, MinIO and Ceph; Amazon's buckets have no end."""
_PROBLEMS = {
    "404": "there is no such object",
    "NoSuchKey": "there is no such object",
    "403": "no permission",
    "AccessDenied": "no permission",
    "412": "was changed after this run was planned",
    "PreconditionFailed": "was changed after this run was planned",
    "NoSuchUpload": "the staged file is gone",
}


@contextmanager
def told(place: Place, path: str) -> Iterator[None]:
    """Failures of botocore and urllib3 as Starhaul's errors, about a path. Their texts hold no secrets: keys travel as
    signatures; but they may hold a proxy's password, so that text is only taken where it comes from the store."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionClosedError,
        HTTPClientError,
        IncompleteReadError,
        NoCredentialsError,
        PartialCredentialsError,
        SSLError,
    )
    from botocore.exceptions import ConnectionError as NotConnected
    from urllib3.exceptions import HTTPError

    try:
        yield
    except StarhaulError:
        raise
    except ClientError as error:
        raise _refusal(place, path, error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        hint = "set `accessId` and `accessKey`, or the environment's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise ConfigError("accessId", "there are no credentials", hint) from error
    except SSLError as error:
        problem = f"the connection cannot be trusted: {_last(error)}"
        raise ConfigError("endpoint", problem, "name the authority's certificate in `caFile`") from error
    except (HTTPClientError, ConnectionClosedError, IncompleteReadError, HTTPError, OSError) as error:
        raise TransientError(place.shown(path), f"the connection failed: {type(error).__name__}") from error
    except NotConnected as error:
        if isinstance(_innermost(error), gaierror):
            raise ConfigError("endpoint", f"there is no such host: {_last(error)}", "check it") from error
        hint = "is the store up, and reachable from here?"
        raise TransientError(place.shown(path), f"the store does not answer: {_last(error)}", hint) from error
    except (BotoCoreError, ValueError) as error:
        raise ConfigError("endpoint", f"cannot be used: {error}") from error


def code_of(error: StarhaulError) -> str:
    """The store's own code of the refusal that an error tells of; empty if it was none."""
    answer = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


def _refusal(place: Place, path: str, error: Exception) -> StarhaulError:
    answer = getattr(error, "response", None) or {}
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _CREDENTIALS:
        return ConfigError("accessKey", f"the credentials {_CREDENTIALS[code]}")
    if code == "NoSuchBucket":
        return ConfigError("bucket", "there is no such bucket", "it must be there before")
    if code in _NO_SPACE:
        return PermanentError(place.shown(path), "there is no space left", "free some, or write elsewhere")
    message = str(answer.get("Error", {}).get("Message", "")) or "no reason was given"
    if code in _PASSING or status >= 500:
        return TransientError(place.shown(path), f"the store answers {code or status}: {message}")
    return PermanentError(place.shown(path), _PROBLEMS.get(code, f"the store answers {code or status}: {message}"))


def _last(error: BaseException) -> str:
    """What the innermost of chained errors says."""
    return str(_innermost(error))


def _innermost(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
