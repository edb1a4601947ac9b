package content

import (
	"fmt"
	"io"
)

func redact(w io.Writer) { _, _ = io.WriteString(w, "[content]") }

// What people write, and the keys in it, print as a placeholder for every verb.

// Format prints a placeholder.
func (Text) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Edit) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (React) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Files) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Poll) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Vote) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Extra) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Sticker) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Attachment) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Profile) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Door) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Owner) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (OwnerAsk) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (OwnerGive) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Mention) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Unverified) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Part) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (External) Format(f fmt.State, _ rune) { redact(f) }

// Format prints a placeholder.
func (Frame) Format(f fmt.State, _ rune) { redact(f) }
