// A server of the MySQL 8 protocol whose user logs in by caching_sha2_password, in memory: go-mysql-server, of Dolt.
// Its LOAD DATA knows no escapes, so local_infile is off, as it is by default.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"strings"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

var (
	address     = flag.String("address", "", "HOST:PORT to listen on")
	user        = flag.String("user", "", "the user, who may do everything")
	password    = flag.String("password", "", "the user's password")
	certificate = flag.String("certificate", "", "file of the TLS certificate; without it there is no TLS")
	key         = flag.String("key", "", "file of its key")
)

func main() {
	flag.Parse()
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	config := server.Config{Protocol: "tcp", Address: *address, Version: "8.0.33"}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			return err
		}
		config.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	databases := memory.NewDBProvider(memory.NewDatabase("test"))
	engine := sqle.NewDefault(databases)
	if err := createUser(engine, databases); err != nil {
		return err
	}
	sessions := memory.NewSessionBuilder(databases)
	listening, err := server.NewServerWithHandler(config, engine, sql.NewContext, sessions, nil, lenient)
	if err != nil {
		return err
	}
	return listening.Start()
}

// createUser makes the user by SQL, on behalf of a superuser that nobody can be from outside.
func createUser(engine *sqle.Engine, databases *memory.DbProvider) error {
	users := engine.Analyzer.Catalog.MySQLDb
	editor := users.Editor()
	users.AddSuperUser(editor, "setup", "localhost", "")
	editor.Close()
	users.SetPersister(forgetful{})
	session := memory.NewSession(sql.NewBaseSession(), databases)
	session.SetClient(sql.Client{User: "setup", Address: "localhost"})
	ctx := sql.NewContext(context.Background(), sql.WithSession(session))
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED WITH caching_sha2_password BY '%s'", *user, *password),
		fmt.Sprintf("GRANT ALL ON *.* TO '%s'@'%%' WITH GRANT OPTION", *user),
		"DROP USER 'setup'@'localhost'",
	} {
		_, rows, _, err := engine.Query(ctx, statement)
		if err == nil {
			_, err = sql.RowIterToRows(ctx, rows)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// handler lets savepoints be set and released, which sessions in memory refuse. To go back to one is refused as ever.
type handler struct{ mysql.Handler }

func lenient(all mysql.Handler) (mysql.Handler, error) { return handler{all}, nil }

func (h handler) ComQuery(ctx context.Context, conn *mysql.Conn, query string, answer mysql.ResultSpoolFn) error {
	return h.Handler.ComQuery(ctx, conn, without(query), answer)
}

func (h handler) ComMultiQuery(
	ctx context.Context, conn *mysql.Conn, query string, answer mysql.ResultSpoolFn,
) (string, error) {
	return h.Handler.ComMultiQuery(ctx, conn, without(query), answer)
}

func without(query string) string {
	if strings.HasPrefix(query, "SAVEPOINT ") || strings.HasPrefix(query, "RELEASE SAVEPOINT ") {
		return "SET @savepoint = 1"
	}
	return query
}

// forgetful keeps users in memory only.
type forgetful struct{}

func (forgetful) Persist(*sql.Context, []byte) error { return nil }
