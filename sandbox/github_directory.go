package sandbox

import (
	"encoding/json"
	"net/http"
)

func (s *Sandbox) getUser(c *call, g *grant) answer {
	if g.installation {
		return gitHubFailure(http.StatusForbidden, "Resource not accessible by integration")
	}
	user := wireLogin(c, g.subject)
	user["name"], user["email"], user["created_at"] = g.subject, nil, "2020-01-01T00:00:00Z"
	return jsonAnswer(http.StatusOK, user)
}

func (s *Sandbox) getRepository(c *call, _ *grant) answer {
	return s.withRepository(c, func(r *repository) answer { return jsonAnswer(http.StatusOK, wireRepository(c, r)) })
}

// getAssignee says by its status whether issues can be assigned to somebody.
func (s *Sandbox) getAssignee(c *call, _ *grant) answer {
	return s.withRepository(c, func(*repository) answer {
		if s.unknownLogin(c.request.PathValue("login")) {
			return gitHubFailure(http.StatusNotFound, "Not Found")
		}
		return answer{status: http.StatusNoContent, header: http.Header{}}
	})
}

func (s *Sandbox) listLabels(c *call, _ *grant) answer {
	return s.withRepository(c, func(r *repository) answer {
		return listAnswer(c, r.labels, func(l label) any { return wireLabel(c, r, l) })
	})
}

func (s *Sandbox) getLabel(c *call, _ *grant) answer {
	return s.withRepository(c, func(r *repository) answer {
		l := r.label(c.request.PathValue("name"))
		if l == nil {
			return gitHubFailure(http.StatusNotFound, "Not Found")
		}
		return jsonAnswer(http.StatusOK, wireLabel(c, r, *l))
	})
}

func (s *Sandbox) createLabel(c *call, _ *grant) answer {
	return s.withRepository(c, func(r *repository) answer {
		var asked struct {
			Name        string `json:"name"`
			Color       string `json:"color"`
			Description string `json:"description"`
		}
		if json.Unmarshal(c.body, &asked) != nil {
			return gitHubUnparsable()
		}
		switch {
		case badLabel(asked.Name):
			return gitHubInvalid("Label", "name", "invalid", "")
		case r.label(asked.Name) != nil:
			return gitHubInvalid("Label", "name", "already_exists", "")
		}
		l := label{id: s.hub.nextID(), name: asked.Name, color: orDefault(asked.Color, "ededed"), description: asked.Description}
		r.labels = append(r.labels, l)
		return jsonAnswer(http.StatusCreated, wireLabel(c, r, l))
	})
}

// getRateLimit costs nothing.
func (s *Sandbox) getRateLimit(*call, *grant) answer {
	s.hub.rate.roll(s.now())
	core := s.hub.rate.fields()
	search := map[string]any{"limit": 30, "used": 0, "remaining": 30, "reset": s.now().Unix() + 60}
	return jsonAnswer(http.StatusOK, map[string]any{"resources": map[string]any{"core": core, "search": search}, "rate": core})
}
