// Icons that only later views show, in the manner of view/icons.

export const more = {
  bold: 'M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z',
  italic: 'M10 5h8M6 19h8M14 5l-4 14',
  struck: 'M5 12h14M16.5 7.5C16 6 14.3 5 12 5S7.5 6.2 7.5 8.2M8 16c.5 1.8 2 3 4.2 3 2.6 0 4.3-1.2 4.3-3.5',
  code: 'M8.5 7L3.5 12l5 5M15.5 7l5 5-5 5',
  hidden: 'M4 4l16 16M9.5 5.600A9.6 9.6 0 0 1 21 12a14 14 0 0 1-2.3 3.100M6 7.500A13.5 13.5 0 0 0 3 12c2 4 5.3 6.3 9 6.300a9 9 0 0 0 3.5-.7',
  quote: 'M5 6v12M9 8h10M9 12h10M9 16h6',
  place: 'M12 21c4.3-4.6 6.5-8 6.5-11a6.5 6.5 0 0 0-13 0c0 3 2.2 6.4 6.5 11zM12 12.300a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.600z',
} as const;
