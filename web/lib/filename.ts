/** A name without paths and without marks that would show another ending than it has. */
export function safeName(name: string): string {
  return name.replace(/[\\/:\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '_').slice(-120) || 'file';
}
