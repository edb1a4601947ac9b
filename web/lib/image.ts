// Which files are pictures and videos, by their types.

/** Types that a canvas can draw anew without losing what matters: an animation would lose its motion. */
export const isPhoto = (mime: string) => /^image\/(jpeg|png|webp|avif|bmp|heic|heif)$/.test(mime);

/** Types that a page may show as an image. SVG is not among them: it is a program. */
export const isShown = (mime: string) => /^image\/(jpeg|png|webp|gif|avif)$/.test(mime);

/** Types that a page may play. */
export const isVideo = (mime: string) => /^video\/(mp4|webm|quicktime)$/.test(mime);
export const isAudio = (mime: string) => /^audio\/(mpeg|mp3|mp4|aac|ogg|opus|webm|wav|x-wav|flac|x-m4a)$/.test(mime.split(';')[0]!);
