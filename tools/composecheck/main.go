// Composecheck checks a Compose file as `docker compose config --quiet` does, without Docker: the schema, the variables,
// and that services, volumes and networks that are referred to exist. Variables come from the environment.
//
//	composecheck docker-compose.yml
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := check(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "composecheck:", err)
		os.Exit(1)
	}
}

func check(ctx context.Context, files []string) error {
	options, err := cli.NewProjectOptions(files, cli.WithOsEnv, cli.WithConsistency(true))
	if err != nil {
		return err
	}
	_, err = options.LoadProject(ctx)
	return err
}
