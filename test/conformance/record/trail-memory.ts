import type { RecordFixture } from '../../support/seed.ts';
export function memoryTests(_: () => RecordFixture): void {}
