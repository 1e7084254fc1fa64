export {
  createHeldClock as createTestClock,
  type HeldClock as TestClock,
} from '../../src/testing/clock.ts';
