/** TABLE: media types that begin alike, or that people name one for another; one row a family. */

export interface Family {
  has: (essence: string) => boolean;
  /** Other formats live in this one, under media types of their own. */
  container?: true;
}

const named = (...types: string[]): Family => {
  const set = new Set(types);
  return { has: (essence) => set.has(essence) };
};

const like = (...patterns: RegExp[]): Family => ({
  has: (essence) => patterns.some((pattern) => pattern.test(essence)),
});

const container = (family: Family): Family => ({ ...family, container: true });

export const families: readonly Family[] = [
  named('image/jpeg', 'image/jpg', 'image/pjpeg', 'image/jfif', 'image/mpo', 'image/jls', 'image/x-jls'),
  named('image/png', 'image/x-png', 'image/apng', 'image/vnd.mozilla.apng'),
  named('image/gif'),
  named('image/webp'),
  named('image/bmp', 'image/x-bmp', 'image/x-ms-bmp', 'image/x-windows-bmp'),
  // Raw photos of most cameras are TIFF.
  named(
    ...['image/tiff', 'image/x-tiff', 'image/tif', 'image/tiff-fx', 'image/dng', 'image/x-dng', 'image/x-adobe-dng'],
    ...['image/x-canon-cr2', 'image/x-nikon-nef', 'image/x-sony-arw', 'image/x-olympus-orf', 'image/x-panasonic-rw2'],
  ),
  // ISO base media (ISO 14496-12): photos, films and sound in the same boxes, told apart by brands without end.
  container(
    named(
      ...[
        'image/heic',
        'image/heif',
        'image/heic-sequence',
        'image/heif-sequence',
        'image/avif',
        'image/avif-sequence',
      ],
      ...['image/x-canon-cr3', 'video/mp4', 'audio/mp4', 'application/mp4', 'video/quicktime'],
      ...['video/x-m4v', 'video/m4v', 'audio/x-m4a', 'audio/m4a', 'audio/x-m4b', 'audio/aac', 'audio/x-aac'],
      ...[
        'video/3gpp',
        'audio/3gpp',
        'video/3gpp2',
        'audio/3gpp2',
        'video/mj2',
        'image/mj2',
        'video/h264',
        'video/h265',
      ],
    ),
  ),
  container(named('image/jp2', 'image/jpx', 'image/jpm', 'image/mj2', 'image/j2c', 'image/jpeg2000', 'image/jpc')),
  container(like(/^(?:audio|video|application)\/(?:x-)?ogg$/, /^(?:audio|video)\/(?:opus|vorbis|speex|theora|flac)$/)),
  container(like(/^(?:audio|video)\/(?:x-)?(?:webm|matroska)(?:-3d)?$/, /^application\/x-matroska$/)),
  named('audio/wav', 'audio/wave', 'audio/x-wav', 'audio/vnd.wave', 'audio/x-pn-wav', 'audio/l16', 'audio/qcelp'),
  named('video/avi', 'video/x-msvideo', 'video/msvideo', 'video/vnd.avi', 'video/x-avi'),
  // A tag of any length may stand before the sound, so that the first few KB say no more than this.
  named(
    ...['audio/mpeg', 'audio/mp3', 'audio/x-mp3', 'audio/mpeg3', 'audio/x-mpeg', 'audio/x-mpeg-3', 'audio/mpa'],
    ...[
      'audio/aac',
      'audio/aacp',
      'audio/x-aac',
      'audio/flac',
      'audio/x-flac',
      'audio/ape',
      'audio/aiff',
      'audio/x-aiff',
    ],
    ...['audio/x-dsf', 'audio/x-musepack', 'audio/wavpack'],
  ),
  named('audio/amr', 'audio/3gpp', 'audio/amr-wb'),
  like(/^(?:video|audio)\/(?:mpeg|x-mpeg|mp1s|mp2p|mp2t|mpeg2|vnd\.dlna\.mpeg-tts|vnd\.dolby\.dd-raw)$/),
  like(/^(?:video|audio)\/x-ms-(?:asf|wmv|wma)$/, /^application\/vnd\.ms-asf$/),
  named('application/pdf', 'application/x-pdf', 'application/illustrator', 'application/postscript', 'application/eps'),
  named('application/dicom', 'application/x-dicom', 'image/dicom', 'image/x-dicom', 'image/dicom-rle'),
  // Scanners of slides write files that are TIFF and DICOM at once.
  named('application/dicom', 'image/tiff'),
  named('application/rtf', 'text/rtf'),
  container(
    like(
      /^application\/(?:x-)?zip(?:-compressed)?$/,
      /\+zip$/,
      /^application\/vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\./,
      /^application\/vnd\.ms-[a-z]+\.[a-z]+\.macroenabled\.12$/,
      /^application\/(?:java-archive|x-xpinstall|vnd\.android\.package-archive)$/,
      /^model\/3mf$/,
    ),
  ),
  container(like(/^application\/(?:x-cfb|msword|x-msi|vnd\.visio|vnd\.ms-(?:excel|powerpoint|outlook|word))$/)),
  // Word and Excel save one format under the name of another.
  like(
    /^application\/(?:x-cfb|msword|x-msword|rtf|xml|zip|vnd\.ms-(?:excel|powerpoint|word)(?:\..{1,60})?)$/,
    /^application\/vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\./,
  ),
  container(like(/^application\/(?:x-)?(?:gzip|gunzip|gzip-compressed|tgz|compressed-tar)$/)),
];

/** Beginnings that say enough also when what follows is odd, or longer than what is looked at. */
export const beginnings: readonly [string, string][] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['PK\x03\x04', 'application/zip'],
  ['\x1a\x45\xdf\xa3', 'video/matroska'],
  ['OggS', 'application/ogg'],
  ['ID3', 'audio/mpeg'],
  ['%PDF-', 'application/pdf'],
];

/** Says nothing about the bytes, so that nothing contradicts it; they are served as what they were said to be. */
export const generic: ReadonlySet<string> = new Set([
  'application/octet-stream',
  'binary/octet-stream',
  'application/binary',
]);

/** Formats that begin with characters only. */
export const textFormats: ReadonlySet<string> = new Set([
  ...['application/pdf', 'application/postscript', 'application/eps', 'application/illustrator', 'application/rtf'],
  ...['application/xml', 'application/pgp-encrypted', 'text/calendar', 'text/vcard', 'text/vtt', 'model/stl'],
]);

export const isTextual = (essence: string): boolean =>
  essence.startsWith('text/') ||
  /[+/](?:json|xml|yaml)$/.test(essence) ||
  ['application/javascript', 'application/x-ndjson', 'application/csv', 'application/x-javascript'].includes(essence);

export const isExecutable = (essence: string): boolean => executables.has(essence);

const executables: ReadonlySet<string> = new Set([
  ...['application/x-msdownload', 'application/x-elf', 'application/x-mach-binary', 'application/java-vm'],
  ...['application/wasm', 'text/x-shellscript', 'application/x-executable', 'application/x-shockwave-flash'],
  ...['application/x.ms.shortcut', 'application/x-deb', 'application/x-rpm', 'application/x-google-chrome-extension'],
]);
