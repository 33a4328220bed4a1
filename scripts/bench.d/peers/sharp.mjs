// sharp's part of the benchmark: node sharp.mjs WORKLOAD OUT MARK, the photos' names on the standard input.
// One process; two pictures at a time, a thread for each.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// sharp is installed where the benchmark keeps its things, not beside this file.
const sharp = createRequire(join(process.env.SHARP_HOME, 'package.json'))('sharp');
sharp.concurrency(1);

const [workload, out, mark] = process.argv.slice(2);

// With a profile in the photo sharp converts to sRGB by itself.
const steps = {
  w1: (photo) =>
    photo
      .resize(2048, 2048, { fit: 'inside' })
      .sharpen({ sigma: 0.7 })
      .jpeg({ quality: 85, chromaSubsampling: '4:2:0' }),
  w2: (photo) =>
    photo.resize(3000, 2400, { fit: 'cover' }).sharpen({ sigma: 1 }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
  w3: (photo) =>
    photo
      .composite([{ input: mark, tile: true, gravity: 'northwest' }])
      .jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
  w4: (photo) => photo.resize(400, 400, { fit: 'inside' }).jpeg({ quality: 80, chromaSubsampling: '4:2:0' }),
};

const photos = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const work = async () => {
  for (let photo = photos.shift(); photo; photo = photos.shift()) {
    await steps[workload](sharp(photo)).toFile(join(out, photo));
  }
};
await Promise.all([work(), work()]);
