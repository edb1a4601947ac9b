// The files of what was dropped on the page: folders are opened, but not for ever.

// No more files are taken than a few messages hold, from no deeper than this, and no more entries are looked at.
const depthMax = 4;
const looksMax = 2000;

/** The first max files, folders opened in order of names; what begins with a dot stays out. */
export async function filesIn(entries: readonly FileSystemEntry[], max: number): Promise<File[]> {
  const out: File[] = [];
  let looks = 0;
  const walk = async (e: FileSystemEntry, deep: number): Promise<void> => {
    if (out.length >= max || ++looks > looksMax) return;
    if (e.isFile) {
      if (!e.name.startsWith('.')) out.push(await new Promise<File>((done, fail) => (e as FileSystemFileEntry).file(done, fail)));
    } else if (e.isDirectory && deep < depthMax) {
      const reader = (e as FileSystemDirectoryEntry).createReader();
      const all: FileSystemEntry[] = [];
      for (;;) {
        const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail)); // a hundred at a time
        if (some.length === 0 || all.length > looksMax) break;
        all.push(...some);
      }
      all.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const x of all) await walk(x, deep + 1);
    }
  };
  for (const e of entries) await walk(e, 0).catch(() => {}); // a file that may not be read
  return out;
}
