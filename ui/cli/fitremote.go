package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"scout/downloads"
	"scout/engine"
)

// remotePatience is how long a busy hub is waited for, when only a look is taken.
const remotePatience = 30 * time.Second

// inspectAnywhere describes a model that is here, or else on a hub: of that only the
// headers of its files are read. read is the bytes of them; 0 if it is here.
func (a *App) inspectAnywhere(ctx context.Context, name string) (info engine.Info, read int64, err error) {
	info, err = unlessInterrupted(a, func() (engine.Info, error) { return a.inspectModel(name) })
	if !canBeFetched(err) || !strings.Contains(name, "/") {
		return info, 0, err
	}
	ctx, stop := a.interruptible(ctx)
	defer stop()
	remote, read, remoteErr := a.inspectRemote(ctx, name)
	switch {
	case remoteErr == nil:
		return remote, read, nil
	case ctx.Err() != nil:
		return info, read, orInterrupted(ctx, remoteErr)
	}
	return info, read, remoteErr
}

// inspectRemote reads the headers of a model on a hub.
func (a *App) inspectRemote(ctx context.Context, name string) (info engine.Info, read int64, err error) {
	err = a.remote(func(d *downloads.Downloads) error {
		_, read, err = d.Header(ctx, name, downloads.Options{GiveUp: remotePatience}, func(files []downloads.Beginning) (int, bool, error) {
			begin := make([]engine.Beginning, len(files))
			for i, f := range files {
				begin[i] = engine.Beginning{Name: f.Path, Data: f.Data, Size: f.Size}
			}
			var short int
			var err error
			info, short, err = engine.InspectHeader(begin)
			if errors.Is(err, engine.ErrMore) {
				return short, true, nil
			}
			return 0, false, err
		})
		return err
	})
	return info, read, err
}
