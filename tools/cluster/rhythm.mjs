/** When a load does what: so many checks, refreshes and logins a second, and so many sockets kept open. */

/** @typedef {import('./load.mjs').Load} Load */
/** @typedef {Pick<Required<import('./load.mjs').LoadOptions>, 'checksPerSecond' | 'refreshesPerSecond' | 'loginsPerSecond' | 'devicesPerPerson' | 'sockets'>} Pace */

const tickMs = 20;
const revokedShare = 0.3;
const olderShare = 0.2;
const sessionShare = 0.1;

export class Rhythm {
  #load;
  #options;
  #random;
  #allowances = { check: 0, refresh: 0, login: 0 };
  #openingSockets = 0;
  #lastTickMs = 0;
  #paused = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {Load} load @param {Pace} options @param {import('./random.mjs').Random} random */
  constructor(load, options, random) {
    this.#load = load;
    this.#options = options;
    this.#random = random;
  }

  begin() {
    this.#lastTickMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Begins nothing new until `continue`. */
  pause() {
    this.#paused = true;
  }

  continue() {
    this.#paused = false;
    this.#lastTickMs = performance.now();
  }

  end() {
    clearInterval(this.#timer);
  }

  #tick() {
    const nowMs = performance.now();
    // A process that stood still does not make up for it all at once.
    const seconds = Math.min(nowMs - this.#lastTickMs, 250) / 1000;
    this.#lastTickMs = nowMs;
    for (const socket of this.#load.sockets) socket.tick();
    if (this.#paused) return;
    const { checksPerSecond, refreshesPerSecond, loginsPerSecond } = this.#options;
    this.#due('check', checksPerSecond * seconds, () => this.#someCheck());
    this.#due('refresh', refreshesPerSecond * seconds, () => this.#someRefresh());
    this.#due('login', loginsPerSecond * seconds, () => this.#someLogin());
    this.#keepSockets();
  }

  /** @param {'check' | 'refresh' | 'login'} what @param {number} more @param {() => void} run */
  #due(what, more, run) {
    this.#allowances[what] += more;
    while (this.#allowances[what] >= 1) {
      this.#allowances[what] -= 1;
      run();
    }
  }

  #someCheck() {
    const target = this.#load.target();
    const revoked = this.#random.chance(revokedShare)
      ? this.#random.pick(this.#load.revoked)
      : undefined;
    const device = revoked ?? this.#random.pick(this.#load.devices);
    if (target === undefined || device === undefined) return;
    const older = this.#random.chance(olderShare) ? this.#random.pick(device.tokens) : undefined;
    const kind = this.#random.chance(sessionShare) ? 'session' : 'authenticate';
    void this.#load.check(device, target, { kind, token: older ?? device.newest });
  }

  #someRefresh() {
    const nowMs = performance.now();
    const able = this.#load.devices.filter(
      (device) => !device.refreshing && device.refreshAfterMs <= nowMs,
    );
    const waiting = able.filter((device) => device.refreshAfterMs > 0);
    const device = this.#random.pick(waiting.length > 0 ? waiting : able);
    if (device !== undefined) void this.#load.refresh(device);
  }

  /** Whoever has the fewest devices gets one; who has enough logs the oldest one out for it. */
  #someLogin() {
    const [person] = this.#load.people
      .map((one) => ({
        one,
        devices: this.#load.devicesOf(one).length,
        order: this.#random.next(),
      }))
      .sort((a, b) => a.devices - b.devices || a.order - b.order);
    if (person === undefined) return;
    if (person.devices >= this.#options.devicesPerPerson) {
      const oldest = this.#load.devicesOf(person.one).find(({ kept }) => !kept);
      if (oldest !== undefined) void this.#load.revoker.logout(oldest);
    }
    void this.#load.arrive(person.one);
  }

  #keepSockets() {
    this.#load.sockets = this.#load.sockets.filter((socket) => socket.open);
    const served = this.#load.sockets.filter(({ device }) => device.state === 'live').length;
    if (served + this.#openingSockets >= this.#options.sockets || this.#openingSockets > 0) return;
    const device = this.#random.pick(this.#load.devices);
    const issuer = this.#load.target();
    const opener = this.#load.target();
    if (device === undefined || issuer === undefined || opener === undefined) return;
    this.#openingSockets += 1;
    void this.#load.openSocket(device, opener, issuer).finally(() => {
      this.#openingSockets -= 1;
    });
  }
}
