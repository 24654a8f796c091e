package triage

import "regexp"

// Two signals speak other languages than English, in the words that people there use for a fault and for its end. They are few
// and unmistakable ones: whoever reports mostly in another language does better with a language model. There is no \b
// around them, since it knows ASCII letters only.

// faultElsewhere are words of a fault in German, French, Spanish, Portuguese, Italian, Dutch, Japanese and Chinese.
var faultElsewhere = regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?:` +
	`fehler(?:meldung(?:en)?)?|(?:stürzt|stürzte|abgestürzt|absturz)|kaputt|funktionier(?:t|en) (?:\p{L}+ )?nicht|geht (?:\p{L}+ )?nicht|(?:hängt|friert ein)|werden? (?:\p{L}+ )?(?:keine?|nicht) \p{L}+|nicht mehr|lässt sich (?:\p{L}+ )?nicht|(?:ist|sind) (?:\p{L}+ )?weg|` +
	`erreur|plante(?:nt)?|planté|en panne|ne (?:fonctionne|marche|s'affiche|répond)(?:nt)? (?:pas|plus)|impossible (?:de|d')|` +
	`(?:da|dan|sale|hay un) (?:error|fallo)|fall(?:a|an|ó)|no (?:funciona|carga|responde|aparece|puedo|se puede)[n]?|se (?:queda|cuelga|cierra|bloquea)|` +
	`trava(?:ndo|m|do)?|não (?:funciona|abre|carrega|responde|consigo)|quebrad[oa]|` +
	`errore|non (?:funziona|si apre|risponde|carica)|si blocca|` +
	`foutmelding|werkt (?:\p{L}+ )?niet|loopt vast` +
	`)(?:[^\p{L}]|$)|エラー|動きません|動かない|不具合|落ちる|表示されない|できません|できなくな|报错|错误|崩溃|无法|打不开|不能用`)

// overElsewhere are the words for a fault that is over.
var overElsewhere = regexp.MustCompile(`(?i)(?:^|[^\p{L}])(?:behoben|gelöst|geht wieder|corrigée?s?|résolue?s?|résolus|resuelt[oa]s?|arreglad[oa]s?|solucionad[oa]s?|resolvid[oa]s?|corrigid[oa]s?|risolt[oa]|opgelost)(?:[^\p{L}]|$)|修正しました|直りました|解決しました|已修复|已解决`)

// askedElsewhere are the beginnings of questions.
var askedElsewhere = regexp.MustCompile(`(?im)(?:^|[.!?,]\s+)(?:wie (?:kann|mache|stelle)|wo finde|wer |gibt es|comment |où |qui |est-ce que |cómo |dónde |quién |como (?:faço|posso)|onde |come (?:posso|si)|dove )[^\n.?]*\?`)
