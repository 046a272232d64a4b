/** What bytes show of themselves against what they are said to be. Nothing that clinics send may be refused wrongly. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { FhirError } from '../../src/fhir/outcome.js';
import { contradicts, inspected, mediaTypeOf } from '../../src/blob/inspect.js';

const latin = (text: string) => Buffer.from(text, 'latin1');
const padded = (start: Buffer | string, size = 600) => {
  const bytes = typeof start === 'string' ? latin(start) : start;
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))]);
};
const boxes = (brand: string) => padded(latin(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1heic`));
const zipOf = (name: string) => {
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 'latin1');
  head.writeUInt16LE(name.length, 26);
  return padded(Buffer.concat([head, latin(name)]));
};
const riff = (kind: string) => padded(`RIFF\x10\0\0\0${kind}fmt \x10\0\0\0\x01\0\x01\0`);

const samples = {
  jpeg: padded('\xff\xd8\xff\xe0\0\x10JFIF\0'),
  png: padded('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\0\0\0\0\0\0\0\0IDAT'),
  pngThatIsOdd: Buffer.concat([latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), Buffer.alloc(500), randomBytes(5000)]),
  gif: padded('GIF89a\x01\0\x01\0'),
  webp: riff('WEBPVP8 '),
  heic: boxes('heic'),
  heicOfALaterPhone: boxes('tmap'),
  mp4: boxes('isom'),
  mov: boxes('qt  '),
  m4a: boxes('M4A '),
  webm: padded('\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm'),
  pdf: padded('%PDF-1.7\n'),
  dicom: padded(Buffer.concat([Buffer.alloc(128), latin('DICM\x02\0\0\0')])),
  dicomThatIsTiff: padded(Buffer.concat([padded('II*\0\x08\0\0\0', 128), latin('DICM\x02\0\0\0')])),
  dicomWithoutPreamble: padded('\x08\0\x05\0\x0a\0\0\0ISO_IR 100'),
  wav: riff('WAVE'),
  mp3: padded('\xff\xfb\x90\x64\0\0'),
  mp3WithTag: padded('ID3\x04\0\0\0\0\x0f\x76'),
  tiff: padded('II*\0\x08\0\0\0'),
  json: latin('{"resourceType":"Patient"}'),
  text: latin('The lesion has grown since May.'),
  latin1Text: latin('M\xfcller, \xc4rztin'),
  csv: latin('BMI,weight\n24,80\n'),
  csvThatBeginsLikeAProgram: latin('MZ,PK\n1,2\n'),
  hl7: latin('MSH|^~\\&|LAB|A|EHR|B|20240101||ORU^R01|1|P|2.5\r'),
  zip: zipOf('photos/one.jpg'),
  docx: zipOf('word/document.xml'),
  doc: padded('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'),
  rtf: latin('{\\rtf1\\ansi hello}'),
  gzip: padded('\x1f\x8b\x08\0\0\0\0\0'),
  html: latin('\n <!DOCTYPE html><script>alert(1)</script>'),
  script: latin('#!/bin/sh\nrm -rf /\n'),
  exe: padded('MZ\x90\0\x03\0\0\0'),
  elf: padded('\x7fELF\x02\x01\x01\0'),
  svg: latin('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
};

const taken: [string, (keyof typeof samples)[]][] = [
  ['image/jpeg', ['jpeg', 'text']],
  ['image/JPG', ['jpeg']],
  ['image/jpeg; quality=9', ['jpeg']],
  ['image/png', ['png', 'pngThatIsOdd']],
  ['image/gif', ['gif']],
  ['image/webp', ['webp']],
  ['image/heic', ['heic', 'heicOfALaterPhone']],
  ['image/heif', ['heic']],
  ['video/mp4', ['mp4', 'mov']],
  ['video/quicktime', ['mov', 'mp4']],
  ['audio/mp4', ['m4a', 'mp4']],
  ['audio/x-m4a', ['m4a']],
  ['audio/webm', ['webm']],
  ['video/webm;codecs="vp8,opus"', ['webm']],
  ['application/pdf', ['pdf']],
  ['application/dicom', ['dicom', 'dicomThatIsTiff', 'dicomWithoutPreamble']],
  ['image/tiff', ['tiff', 'dicomThatIsTiff']],
  ['audio/wav', ['wav']],
  ['audio/x-wav', ['wav']],
  ['audio/mpeg', ['mp3', 'mp3WithTag']],
  ['audio/mp3', ['mp3']],
  ['text/plain', ['text', 'latin1Text', 'csv', 'html', 'json', 'hl7', 'script']],
  ['text/csv', ['csv', 'csvThatBeginsLikeAProgram']],
  ['application/json', ['json']],
  ['application/vnd.acme+json', ['json']],
  ['text/html', ['html']],
  ['image/svg+xml', ['svg']],
  ['x-application/hl7-v2+er7', ['hl7']],
  ['application/zip', ['zip', 'docx']],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', ['docx', 'zip']],
  ['application/vnd.acme.study+zip', ['zip']],
  ['application/msword', ['doc', 'rtf', 'docx']],
  ['application/rtf', ['rtf']],
  ['application/gzip', ['gzip']],
  ['application/x-nifti', ['gzip']],
  ['application/octet-stream', ['exe', 'jpeg', 'html']],
  ['application/x-msdownload', ['exe']],
];

const refused: [string, (keyof typeof samples)[]][] = [
  [
    'image/jpeg',
    ['png', 'pngThatIsOdd', 'gif', 'webp', 'heic', 'html', 'script', 'exe', 'elf', 'pdf', 'zip', 'svg', 'mp3', 'dicom'],
  ],
  ['image/png', ['jpeg', 'exe']],
  ['image/x-unheard-of', ['pdf', 'html', 'exe']],
  ['video/mp4', ['webm', 'jpeg', 'wav']],
  ['audio/wav', ['webp', 'mp3']],
  ['application/pdf', ['jpeg', 'html', 'zip', 'elf']],
  ['application/dicom', ['jpeg', 'pdf', 'html']],
  ['application/zip', ['jpeg', 'exe']],
  ['application/msword', ['html', 'exe', 'jpeg']],
  ['text/plain', ['png', 'exe', 'zip', 'mp4']],
  ['application/json', ['jpeg', 'gzip']],
  ['application/vnd.acme', ['elf', 'script', 'html']],
];

const outcome = (name: keyof typeof samples, declared: string) =>
  buffer(inspected(Readable.from([samples[name]]), declared)).then(
    (passed) => passed.equals(samples[name]),
    (error: unknown) => (error instanceof FhirError ? `${error.status}: ${error.message}` : String(error)),
  );

test.each(taken)('%s may be %j', async (declared, names) => {
  for (const name of names) expect([name, await outcome(name, declared)]).toEqual([name, true]);
});

test.each(refused)('%s is not %j', async (declared, names) => {
  for (const name of names) {
    const said = await outcome(name, declared);
    expect([name, said]).toEqual([name, expect.stringMatching(/^422: The media type says .+, but the bytes are /)]);
    expect(said).toContain(declared);
  }
});

test('text passes with bytes that cannot be named', () => {
  expect(contradicts('text/plain', 'text/html', true)).toBe(false);
  expect(contradicts('image/x-unheard-of', 'image/jpeg', false)).toBe(false);
});

test('a large stream passes as it is, in pieces of any size, and is refused before it has come', async () => {
  const bytes = Buffer.concat([samples.jpeg, randomBytes(300_000)]);
  for (const size of [1, 700, 5000, 200_000]) {
    const pieces = function* () {
      for (let at = 0; at < (size === 1 ? 5000 : bytes.length); at += size) yield bytes.subarray(at, at + size);
    };
    const passed = await buffer(inspected(Readable.from(pieces()), 'image/jpeg'));
    expect(passed.equals(size === 1 ? bytes.subarray(0, 5000) : bytes)).toBe(true);
  }
  let sent = 0;
  const endless = new Readable({
    read() {
      sent += 1;
      this.push(samples.png);
    },
  });
  await expect(buffer(inspected(endless, 'image/jpeg'))).rejects.toThrow(/image\/png/);
  expect(sent).toBeLessThan(200);
  expect(endless.destroyed).toBe(true);
});

test('no beginning makes it fail or slow', async () => {
  const started = performance.now();
  for (const start of Object.values(samples))
    for (let cut = 0; cut < Math.min(64, start.length); cut += 3) await mediaTypeOf(start.subarray(0, cut));
  for (const start of Object.values(samples))
    await mediaTypeOf(Buffer.concat([start.subarray(0, 40), randomBytes(4000)]));
  await mediaTypeOf(latin(' '.repeat(4100)));
  expect(performance.now() - started).toBeLessThan(3000);
});
