// Package model asks a language model what a message is and says, over the chat completions API that OpenAI, Anthropic, vLLM
// and Ollama speak alike.
//
//	triage.NewBrief ──▶ Client: budget, one deadline, one retry ──▶ POST chat/completions ──▶ triage.ReadAnswer
//	what goes out        no answer is a *triage.NoAnswerError        temperature 0, schema     what of it counts
//
// A model is a help and never a need: whoever asks it has the rules at hand. So everything that can go wrong comes back
// within the timeout as one kind of error, with a reason that may stand in an issue, and nothing is waited for. Of a server
// that hangs only the first few messages wait so long: then it is left alone for a minute, and one question tries it again.
//
// What is asked and what of an answer counts is decided in triage; nothing that a model says reaches further than a text and
// two words from lists.
package model
