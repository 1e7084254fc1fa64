import type { HubKind } from './network.ts';

/** What can happen between two steps of a schedule; `Schedule` says what each does. */
export type Happening =
  | 'mint'
  | 'remint'
  | 'connect'
  | 'revoke'
  | 'burst'
  | 'askLater'
  | 'askElsewhere'
  | 'logIn'
  | 'refresh'
  | 'request'
  | 'administer'
  | 'changePassword'
  | 'hubWeather'
  | 'hubFails'
  | 'recordWeather'
  | 'slowAnswers'
  | 'recordDown'
  | 'cutOff'
  | 'stall'
  | 'stop'
  | 'kill'
  | 'join'
  | 'leave'
  | 'restart'
  | 'failOver'
  | 'replicaLags'
  | 'oldPrimary'
  | 'putBack'
  | 'restore'
  | 'sleep'
  | 'clockStep'
  | 'trim';

/** A region of the space of schedules: what happens in it, how often, and to whom. */
export interface Theme {
  readonly name: string;
  /** How many nodes there are at first. */
  readonly nodes: readonly [number, number];
  /** The leases of one schedule's nodes: first which, then each node one of them. */
  readonly leasesMs: readonly (readonly number[])[];
  readonly tolerancesMs: readonly number[];
  readonly hubs: readonly HubKind[];
  readonly steps: readonly [number, number];
  readonly stepMs: readonly [number, number];
  /** Probabilities a step. */
  readonly rates: Readonly<Partial<Record<Happening, number>>>;
  /** Bound and Early return are promised. Without a fence around the old primary they are not. */
  readonly promised?: false;
}

const TALK = { mint: 0.25, revoke: 0.25, hubWeather: 0.08, recordWeather: 0.05 } as const;

/** Every schedule is of one of these; together they hold every fault of docs/simulation.md. */
export const THEMES: readonly Theme[] = [
  {
    name: 'network',
    nodes: [2, 3],
    leasesMs: [[90, 300], [300], [300, 750]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'full', 'notify', 'none'],
    steps: [30, 50],
    stepMs: [5, 60],
    rates: { ...TALK, remint: 0.1, connect: 0.15, burst: 0.05, hubFails: 0.05, cutOff: 0.05 },
  },
  {
    name: 'outage',
    nodes: [2, 3],
    leasesMs: [[300]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'notify'],
    steps: [30, 40],
    stepMs: [10, 120],
    rates: {
      ...TALK,
      connect: 0.1,
      recordDown: 0.08,
      cutOff: 0.08,
      askLater: 0.12,
      askElsewhere: 0.1,
      burst: 0.05,
    },
  },
  {
    name: 'members',
    nodes: [1, 3],
    leasesMs: [[90, 300], [300], [300, 750]],
    tolerancesMs: [0, 300, 2500],
    hubs: ['full', 'notify', 'none'],
    steps: [40, 60],
    stepMs: [10, 120],
    rates: {
      ...TALK,
      revoke: 0.35,
      connect: 0.08,
      join: 0.15,
      leave: 0.06,
      kill: 0.03,
      stop: 0.06,
      cutOff: 0.05,
    },
  },
  {
    name: 'joining',
    nodes: [1, 1],
    leasesMs: [[300]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'none'],
    steps: [25, 40],
    stepMs: [2, 15],
    rates: { mint: 0.3, revoke: 0.5, join: 0.3, leave: 0.15, recordWeather: 0.1 },
  },
  {
    name: 'slow lists',
    nodes: [1, 2],
    leasesMs: [[300]],
    tolerancesMs: [0],
    hubs: ['none'],
    steps: [25, 40],
    stepMs: [5, 30],
    rates: { mint: 0.2, revoke: 0.5, join: 0.2, leave: 0.1, slowAnswers: 0.3 },
  },
  {
    name: 'stopped',
    nodes: [2, 3],
    leasesMs: [[90, 300], [300], [300, 750]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'none'],
    steps: [30, 50],
    stepMs: [10, 80],
    rates: { ...TALK, connect: 0.15, stall: 0.2, stop: 0.05 },
  },
  {
    name: 'silent members',
    nodes: [2, 3],
    leasesMs: [[1500, 3000]],
    tolerancesMs: [0, 1500, 9000, 12_000],
    hubs: ['none', 'full'],
    steps: [20, 30],
    stepMs: [100, 1500],
    rates: {
      ...TALK,
      revoke: 0.4,
      stop: 0.1,
      cutOff: 0.15,
      restart: 0.04,
      clockStep: 0.15,
      kill: 0.03,
      join: 0.05,
    },
  },
  {
    name: 'failover',
    nodes: [2, 3],
    leasesMs: [[300, 750], [300], [3000, 6000]],
    tolerancesMs: [0, 1500, 9000],
    hubs: ['full', 'none'],
    steps: [30, 45],
    stepMs: [10, 100],
    rates: {
      ...TALK,
      revoke: 0.3,
      connect: 0.1,
      restart: 0.08,
      oldPrimary: 0.1,
      cutOff: 0.06,
      join: 0.05,
      recordDown: 0.05,
      askLater: 0.05,
    },
  },
  {
    name: 'lost end',
    nodes: [2, 4],
    leasesMs: [[300, 750], [300], [3000, 6000]],
    tolerancesMs: [0, 1500, 9000],
    hubs: ['full', 'none', 'notify'],
    steps: [30, 45],
    stepMs: [10, 100],
    rates: {
      ...TALK,
      remint: 0.1,
      revoke: 0.3,
      connect: 0.1,
      failOver: 0.12,
      replicaLags: 0.1,
      cutOff: 0.08,
      join: 0.08,
      stop: 0.03,
      askLater: 0.05,
      oldPrimary: 0.05,
    },
  },
  {
    name: 'put back',
    nodes: [2, 3],
    leasesMs: [[300, 750], [300], [3000, 6000]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'none'],
    steps: [25, 35],
    stepMs: [20, 300],
    rates: {
      ...TALK,
      logIn: 0.05,
      request: 0.1,
      putBack: 0.06,
      restore: 0.05,
      kill: 0.03,
      join: 0.1,
    },
  },
  {
    name: 'sessions',
    nodes: [1, 2],
    leasesMs: [[300]],
    tolerancesMs: [0, 1500],
    hubs: ['full'],
    steps: [40, 60],
    stepMs: [2, 30],
    rates: {
      logIn: 0.35,
      refresh: 0.35,
      request: 0.35,
      administer: 0.3,
      changePassword: 0.15,
      connect: 0.1,
      recordWeather: 0.05,
    },
  },
  {
    name: 'sessions in trouble',
    nodes: [2, 3],
    leasesMs: [[300]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'notify', 'none'],
    steps: [40, 50],
    stepMs: [5, 60],
    rates: {
      logIn: 0.25,
      refresh: 0.3,
      request: 0.3,
      administer: 0.25,
      changePassword: 0.08,
      connect: 0.1,
      recordWeather: 0.1,
      recordDown: 0.05,
      hubWeather: 0.05,
      hubFails: 0.05,
      cutOff: 0.05,
      failOver: 0.03,
      restart: 0.03,
      stall: 0.05,
      askLater: 0.05,
    },
  },
  {
    name: 'long sleep',
    nodes: [2, 3],
    leasesMs: [[300, 750], [300], [3000, 6000]],
    tolerancesMs: [0, 9000],
    hubs: ['full', 'none'],
    steps: [20, 30],
    stepMs: [10, 100],
    rates: {
      ...TALK,
      connect: 0.1,
      logIn: 0.05,
      request: 0.1,
      refresh: 0.05,
      sleep: 0.12,
      trim: 0.1,
      join: 0.06,
      stop: 0.05,
      restart: 0.03,
    },
  },
  {
    name: 'two primaries',
    nodes: [2, 3],
    leasesMs: [[300]],
    tolerancesMs: [0, 1500],
    hubs: ['full', 'none'],
    steps: [25, 35],
    stepMs: [10, 100],
    rates: { ...TALK, connect: 0.1, oldPrimary: 0.15, replicaLags: 0.1, join: 0.05 },
    promised: false,
  },
];
