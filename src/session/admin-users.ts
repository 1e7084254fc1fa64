import { administratorOf } from './author.ts';
import type { Administration } from './contract.ts';
import { noSuch } from './no-such.ts';
import type { Services } from './services.ts';
import { createUserWrites } from './user-writes.ts';

type Users = Pick<
  Administration,
  'listUsers' | 'getUser' | 'createUser' | 'patchUser' | 'deleteUser' | 'resetPassword'
>;

/** Users of the administrator's own tenant. */
export function createUserAdministration(services: Services): Users {
  const { users } = services.record;
  const writes = createUserWrites(services);
  return {
    listUsers: (caller, page) => users.list(caller.session.tenantId, page),

    async getUser(caller, uid) {
      const user = await users.get(caller.session.tenantId, uid);
      if (user === null) throw noSuch('user');
      return user;
    },

    createUser: (caller, input) => writes.create(administratorOf(caller), input),
    patchUser: (caller, uid, patch, ifVersion) =>
      writes.patch(administratorOf(caller), uid, patch, { ifVersion }),
    deleteUser: (caller, uid, ifVersion) =>
      writes.remove(administratorOf(caller), uid, { ifVersion }),
    resetPassword: (caller, uid) => writes.resetPassword(administratorOf(caller), uid),
  };
}
