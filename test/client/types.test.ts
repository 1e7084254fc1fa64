import { expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type {
  Client,
  ClientError,
  CurrentSession,
  Revocation,
  Session,
  SocketConstructor,
  Tenant,
  TokenStorage,
  User,
} from '../../src/client/index.ts';
import type { TokensAnswer } from '../../src/client/types.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type {
  sessionSchema,
  tenantSchema,
  tokensSchema,
  userSchema,
} from '../../src/http/objects/people.ts';
import type { revocationSchema } from '../../src/http/objects/revocations.ts';

/** What the compiler says: this file is checked by it, and has nothing to run. */
test('the types of the client are those that the server answers with', () => {
  expectTypeOf<z.infer<typeof sessionSchema>>().toEqualTypeOf<Session>();
  expectTypeOf<z.infer<typeof userSchema>>().toEqualTypeOf<User>();
  expectTypeOf<z.infer<typeof tenantSchema>>().toEqualTypeOf<Tenant>();
  expectTypeOf<z.infer<typeof revocationSchema>>().toEqualTypeOf<Revocation>();
  expectTypeOf<keyof TokensAnswer>().toEqualTypeOf<
    Exclude<keyof z.infer<typeof tokensSchema>, 'token_type' | 'refresh_expires_in'>
  >();
  expectTypeOf<ErrorCode>().toExtend<ClientError['code']>();
  expectTypeOf<'no_such_code'>().not.toExtend<ClientError['code']>();
  expectTypeOf<Client['session']>().returns.resolves.toEqualTypeOf<CurrentSession | null>();
  expectTypeOf<Client['fetch']>().toEqualTypeOf<typeof fetch>();
  expectTypeOf<typeof import('ws').WebSocket>().toExtend<SocketConstructor>();
  expectTypeOf<Map<string, string>>().not.toExtend<TokenStorage>();
});
