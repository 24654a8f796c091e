package activities

import (
	"context"
	"time"

	"tokenkeeper/credential"
)

// TemplatePreview shows previewed reports the way the templates of their repositories would have them. It looks for each
// template once, which takes a few requests. Where GitHub does not answer, reports are shown without a template, and GitHub
// is not asked again with the same account.
type TemplatePreview struct {
	GitHub *GitHub

	known map[shelfKey]found
	away  map[credential.AccountID]string // :: account → why GitHub is not asked with it any more
}

// maxTemplateLook bounds the look for one template.
const maxTemplateLook = 15 * time.Second

// Apply has a report say what it would be filed as. One whose template cannot be had stays as it is, and says why.
func (t *TemplatePreview) Apply(ctx context.Context, p *Previewed) {
	if p.source == nil {
		return
	}
	f := t.find(ctx, p)
	if p.Untemplated = f.problem; f.template == nil {
		return
	}
	issue := p.issue.By(*f.template, *p.source)
	p.Title, p.Labels, p.Template = issue.Title, issue.Labels, f.file
}

// find looks for the template of a report, unless that is known already.
func (t *TemplatePreview) find(ctx context.Context, p *Previewed) found {
	key := shelfKey{account: p.filer, repository: p.Repository, file: p.source.Template}
	if f, known := t.known[key]; known {
		return f
	}
	if why, away := t.away[p.filer]; away {
		return found{problem: why}
	}
	if t.known == nil {
		t.known, t.away = map[shelfKey]found{}, map[credential.AccountID]string{}
	}
	f, err := t.look(ctx, p)
	if err != nil {
		t.away[p.filer] = message(err)
		return found{problem: message(err)}
	}
	t.known[key] = f
	return f
}

func (t *TemplatePreview) look(ctx context.Context, p *Previewed) (found, error) {
	client, err := t.GitHub.client(p.filer)
	if err != nil {
		return found{}, err
	}
	ctx, enough := context.WithTimeout(ctx, maxTemplateLook)
	defer enough()
	f, err := lookup{client: client, kept: map[string]page{}}.find(ctx, p.issue.Owner, p.issue.Repo, p.source.Template)
	if err != nil {
		return found{}, githubError("looking at the templates of "+p.Repository, err)
	}
	return f, nil
}
