import { ADMIN_ROLE, MEMBER_ROLE } from '../tenant/role.ts';
import type { LoginLimit, Policy } from '../tenant/types.ts';
import { logIn, type TestLogin, type TestLoginOptions, type World } from './logins.ts';

/** What everybody's password is who was given no other one. */
export const TEST_PASSWORD = 'violet-anchor-lantern-93';

/** A user to begin with. All of it is optional. */
export interface TestUserSeed {
  /** Default `<name>@<slug>.example`. */
  readonly email?: string;
  /** Default: the seed's name. */
  readonly name?: string;
  /** Default `['member']`; of `admin`, `['admin']`. */
  readonly roles?: readonly string[];
  /** Default `TEST_PASSWORD`. */
  readonly password?: string;
}

/** Some of a policy, with some of its login limits. Durations in seconds. */
export type TestPolicy = Partial<Omit<Policy, 'login_limit'>> & {
  readonly login_limit?: Partial<LoginLimit>;
};

/** A tenant to begin with: its users by name. There is an `admin` in every tenant. */
export interface TestTenantSeed {
  /** What differs from the policy that new tenants have (`DEFAULT_POLICY`). */
  readonly policy?: TestPolicy;
  /** Default: none but `admin`. */
  readonly users?: Readonly<Record<string, TestUserSeed>>;
}

/** Somebody who can log in. */
export interface TestUser {
  readonly tenantId: string;
  readonly userId: string;
  readonly email: string;
  readonly password: string;
  readonly roles: readonly string[];
  /**
   * A session on one more device, without asking for the password. The tenant's policy and device cap hold.
   *
   * @throws SekishoError `not_found` when the user was deleted or disabled, `session_limit_reached`, `tenant_suspended`.
   */
  login(options?: TestLoginOptions): Promise<TestLogin>;
}

/** A tenant of a test, and its users by name. */
export interface TestTenant<Name extends string = string> {
  readonly tenantId: string;
  readonly slug: string;
  readonly users: Readonly<Record<Name | 'admin', TestUser>>;
  /** The same as `users.admin`. */
  readonly admin: TestUser;
  /** One more user. @throws SekishoError `email_taken`, `validation_failed`. */
  addUser(name: string, seed?: TestUserSeed): Promise<TestUser>;
  /**
   * Replaces what is named of the policy, as an administrator would: it holds at once.
   *
   * @throws SekishoError `validation_failed`.
   */
  setPolicy(policy: TestPolicy): Promise<void>;
}

/** Makes a tenant with its users. @throws SekishoError `slug_taken`, `validation_failed`. */
export async function makeTenant(
  world: World,
  slug: string,
  seed: TestTenantSeed,
): Promise<TestTenant> {
  const { operator } = world.sekisho.engine;
  const { admin: adminSeed = {}, ...others } = seed.users ?? {};
  const wanted = withDefaults(slug, 'admin', { roles: [ADMIN_ROLE], ...adminSeed });
  const made = await operator.createTenant({
    slug,
    name: null,
    adminEmail: wanted.email,
    adminPassword: wanted.password,
  });
  const tenantId = made.tenant.tid;

  const userOf = (uid: string, { email, password, roles }: ReturnType<typeof withDefaults>) =>
    Object.freeze({
      ...{ tenantId, userId: uid, email, password, roles: Object.freeze([...roles]) },
      login: (options?: TestLoginOptions) => logIn(world, tenantId, uid, options),
    } satisfies TestUser);

  async function addUser(name: string, userSeed: TestUserSeed = {}): Promise<TestUser> {
    const { email, password, roles, displayName } = withDefaults(slug, name, userSeed);
    const { user } = await operator.createUser({
      ...{ tenant: slug, email, password, roles, name: displayName },
    });
    return userOf(user.uid, { email, password, roles, displayName });
  }

  async function setPolicy({ login_limit, ...policy }: TestPolicy): Promise<void> {
    const limits = Object.entries(login_limit ?? {});
    const set = Object.fromEntries([
      ...Object.entries(policy),
      ...limits.map(([field, value]) => [`login_limit.${field}`, value]),
    ]);
    await operator.setTenantPolicy({ tenant: slug, set, ifVersion: null });
  }

  const users: Record<string, TestUser> = { admin: userOf(made.admin.uid, wanted) };
  const { admin } = users as { admin: TestUser };
  if (seed.policy !== undefined) await setPolicy(seed.policy);
  for (const [name, userSeed] of Object.entries(others)) {
    users[name] = await addUser(name, userSeed);
  }
  return Object.freeze({
    ...{ tenantId, slug, admin, addUser, setPolicy },
    users: Object.freeze(users) as TestTenant['users'],
  });
}

function withDefaults(slug: string, name: string, seed: TestUserSeed) {
  return {
    email: seed.email ?? `${name.toLowerCase()}@${slug}.example`,
    displayName: seed.name ?? name,
    roles: seed.roles ?? [MEMBER_ROLE],
    password: seed.password ?? TEST_PASSWORD,
  };
}
