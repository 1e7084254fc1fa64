import { z } from 'zod';
import { SekishoError } from '../../errors.ts';
import { newId } from '../../id.ts';
import type { Override, OverrideValue } from '../../record/operations-contract.ts';
import { ceilingSchema, isLowered } from '../../tenant/ceiling.ts';
import { limitOverrideSchema } from '../../tenant/login-limit.ts';
import { parseOverrideEnd } from '../../tenant/override.ts';
import { LOG_LEVELS } from '../log-levels.ts';
import { memberStates } from '../nodes.ts';
import { MAX_TRIES } from '../open.ts';
import { isRaced } from '../outcome-error.ts';
import { perform, revoke } from '../revoke.ts';
import { nowMs, type Services } from '../services.ts';
import { reissueOfAll, reissueOfTenant } from '../subjects.ts';
import { ACTOR } from './actor.ts';
import { cleanupStatus, createOperatorCleanup } from './cleanup.ts';
import { tenantNamed } from './names.ts';
import type { OperatorOperations, OverrideEnd } from './operations-contract.ts';
import { waitOf } from './revoking.ts';
import { decisionRow, nameOf, tellNodes } from './told.ts';

/** Tokens that are made between the end of one ceiling and the commit of the next know neither. */
const COMMITTED_WITHIN_MS = 60_000;

const logLevelSchema = z.strictObject({ level: z.enum(LOG_LEVELS) });

/** What is decided for all tenants and nodes at once, for a while (docs/operations.md). */
export function createOperatorOperations(services: Services): OperatorOperations {
  const { record, operations } = services;

  function endOf(end: OverrideEnd): number {
    const now = nowMs(services);
    const untilMs = 'forSeconds' in end ? now + end.forSeconds * 1000 : end.untilMs;
    return parseOverrideEnd(untilMs, now, '/until');
  }

  function overrideOf(by: string, value: OverrideValue): Override {
    return { ...value, id: newId(), by: nameOf(by), begunAtMs: nowMs(services) };
  }

  /** The ceiling in force; null where there is none, or where it may be over before another one is committed. */
  async function ceilingNow() {
    const { overrides } = await record.operations.state(nowMs(services) + COMMITTED_WITHIN_MS);
    return overrides.findLast((one) => one.kind === 'lifetimes') ?? null;
  }

  return {
    ...createOperatorCleanup(services),

    async overrideLifetimes({ by, ceiling, end, waitMs }) {
      const value = parse(ceilingSchema, ceiling);
      const untilMs = endOf(end);
      const override = overrideOf(by, { kind: 'lifetimes', node: null, value, untilMs });
      for (let tries = 1; ; tries += 1) {
        const before = await ceilingNow();
        // Whatever was made under a longer life is refreshed: tokens, and sockets that know of a later end.
        const shorter = isLowered(before, { value, untilMs });
        const detail = { ...value, until: iso(untilMs), shorter };
        try {
          const { revocation } = await perform(services, {
            actor: ACTOR,
            revoke: shorter ? [reissueOfAll()] : [],
            // Whether anything outlives it was judged against that one, so it must still be in force.
            change: { ...putOf(override), ...(before && { replaces: before.id }) },
            reason: shorter ? 'lifetimes_overridden' : null,
            audit: [decisionRow(services, 'ops_lifetimes_set', override.by, detail)],
            waitMs: waitOf(waitMs),
          });
          operations.announce();
          return { override, replaced: before, revocation };
        } catch (error) {
          if (!isRaced(error) || tries === MAX_TRIES) throw error;
        }
      }
    },

    async overrideLimits({ by, limits, end }) {
      const value = parse(limitOverrideSchema, limits);
      const untilMs = endOf(end);
      const override = overrideOf(by, { kind: 'limits', node: null, value, untilMs });
      const detail = { ...value, until: iso(untilMs) };
      await perform(services, {
        ...{ actor: ACTOR, revoke: [], reason: null, change: putOf(override) },
        audit: [decisionRow(services, 'ops_limits_set', override.by, detail)],
      });
      return { override, ...(await tellNodes(services)) };
    },

    async overrideLogLevel({ by, level, node, end }) {
      const value = parse(logLevelSchema, { level });
      const untilMs = end === null ? null : endOf(end);
      if (node !== null && !(await record.members.list()).some(({ id }) => id === node)) {
        throw new SekishoError('not_found', `There is no member ${node}: see sekisho ops status.`);
      }
      const override = overrideOf(by, { kind: 'log_level', node, value, untilMs });
      const detail = { level, node, until: iso(untilMs) };
      await perform(services, {
        ...{ actor: ACTOR, revoke: [], reason: null, change: putOf(override) },
        audit: [decisionRow(services, 'ops_log_level_set', override.by, detail)],
      });
      return { override, ...(await tellNodes(services)) };
    },

    async clearOverride({ by, kind, node }) {
      const name = nameOf(by);
      try {
        await perform(services, {
          ...{ actor: ACTOR, revoke: [], reason: null },
          change: { kind: 'override_end', tid: null, by: name, override: kind, node },
          audit: [decisionRow(services, CLEARED[kind], name, node === null ? {} : { node })],
        });
      } catch (error) {
        if (!(error instanceof SekishoError) || error.code !== 'not_found') throw error;
        throw new SekishoError('not_found', 'None is in force: see sekisho ops status.');
      }
      return tellNodes(services);
    },

    async regenerateSessions({ by, tenant, waitMs }) {
      const tid = tenant === null ? null : (await tenantNamed(services, tenant)).tid;
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [tid === null ? reissueOfAll() : reissueOfTenant(tid)],
        change: null,
        reason: 'regenerated',
        audit: [decisionRow(services, 'ops_sessions_regenerated', nameOf(by), {}, tid)],
        waitMs: waitOf(waitMs),
      });
      return revocation;
    },

    async operations() {
      const [{ overrides, pause: paused, seen }, states, cleanup] = await Promise.all([
        record.operations.state(nowMs(services)),
        memberStates(services),
        cleanupStatus(services),
      ]);
      const levelOf = (id: string): string | null => seen[id]?.logLevel ?? null;
      const members = states.map((member) => ({ ...member, logLevel: levelOf(member.id) }));
      return { overrides, paused, cleanup, members };
    },
  };
}

const CLEARED = Object.freeze({
  lifetimes: 'ops_lifetimes_cleared',
  limits: 'ops_limits_cleared',
  log_level: 'ops_log_level_cleared',
} as const);

function putOf({ id, by, kind: override, node, value, untilMs }: Override) {
  return { kind: 'override_put', tid: null, id, by, override, node, value, untilMs } as const;
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** What was given, without what was left out. @throws SekishoError `validation_failed` */
function parse<Value extends object>(schema: z.ZodType<Value>, input: unknown): Given<Value> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({
      pointer: ['', ...path.map(String)].join('/'),
      detail: [...path.map(String), message].join(' '),
    }));
    throw new SekishoError('validation_failed', 'This cannot be put in force.', { errors });
  }
  const given = Object.entries(parsed.data).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<Value>;
}

type Given<Value> = { [Name in keyof Value]: Exclude<Value[Name], undefined> };
