/*
 * The revocation protocol (docs/protocol.md) as a model for Spin: two nodes, two revocations, any
 * number of crashes of nodes, one failover of the record. docs/model.md says in words what it shows,
 * what is left out and why nothing is lost by that, and how to run it.
 *
 * One process takes one enabled step after the other, in every possible order. A step is one
 * exchange with the record, one message that arrives, one local decision, or a tick of time. Every
 * age grows by one with a tick and stops where it no longer matters, so that runs are unbounded. A
 * node that takes no step while time passes is paused or cut off; a message that is lost or late is
 * a step not taken or taken later.
 *
 * -DBOUND: the bound is looked at, instead of the revoking call. -DLATE: a proof may be covered by
 * entries that come after it. Each broken rule stands where it belongs, as #ifdef WITHOUT_…: with it
 * the checker must find a counterexample.
 */
#ifdef WITHOUT_STAMP_BEFORE_SENDING
#define LATE
#endif

#define LEASE  1          /* in ticks */
#define TERM   2          /* lease + tolerance of each member, and MAX_TERM */
#define NONE   3          /* no generation */

/* ── What the record keeps ─────────────────────────────────────────────────────────────────── */
byte head;                /* the log's last position */
byte log[3];              /* position → 1 + revocation */
byte generation;          /* 0, after the failover 1 */
byte end;                 /* LINEAGE: the last position of generation 0 that counts in generation 1 */
bit  settled = 1;         /* FIRST TERM: of the current generation, it is over */
byte begun;               /* age of generation 1, while it is not settled */
byte rows = 1;            /* member rows, a bit each; node 0 is a member from the start */
bit  failedOver;

/* The log of generation 0 as it was before the failover: late announcements may still bring it. */
byte oldHead;
byte oldLog[3];

/* ── A node ────────────────────────────────────────────────────────────────────────────────── */
#define OUT     0         /* has no row: down, or removed */
#define JOINING 1         /* has a row, has not proved */
#define SERVING 2

typedef Node {
  byte phase;
  byte gen = NONE;        /* of its view; NONE: it has none */
  byte applied;
  byte at[2];             /* the view: position of the floor of each revocation; 0: not in it */
  bit  knew;              /* whether revocation 0 ever was; for the check alone */
  byte lease = TERM;      /* age of the newest covered proof; TERM: it may not answer */
#ifdef LATE
  bit  waits;             /* a proof of generation 0 that is not covered yet: */
  byte waitsAge;
  byte waitsHead;
#endif
  byte quiet;             /* since its row last changed, as an observer of the row knows it */
}
Node node[2];

/* ── The session that revocation 0 ends, and the call. Revocation 1 is any other one. ──────── */
byte tokenGen = NONE;     /* NONE: not logged in yet */
byte epoch;
bit  everywhere;          /* the call has said so, and the entry has not been lost since */
byte committed;           /* age of the commit; for the check alone */

typedef Barrier {
  bit  open;
  byte owner;
  byte gen;               /* the entry's name */
  byte position;
  byte age;               /* since the owner knew of the commit */
  bit  listed;
  byte waits;             /* members that have not acknowledged, a bit each */
}
Barrier barrier;
#ifdef WITHOUT_MEMBERS_AFTER_COMMIT
byte listedEarly;         /* the members, before the commit */
#endif

#define bitOf(n)        (1 << (n))
#define hasRow(n)       (rows & bitOf(n))
#define inLog(r)        (log[1] == r + 1 || log[2] == r + 1)
#define positionOf(r)   (log[1] == r + 1 -> 1 : 2)

/* ── What is promised, in every state ──────────────────────────────────────────────────────── */

/* A token is judged by the view: by its generation and epoch (LINEAGE), then by the floor. */
#ifdef WITHOUT_LINEAGE_OF_TOKENS
#define inHistory(n)    (tokenGen <= node[n].gen)
#else
#define inHistory(n)    (tokenGen == node[n].gen || \
                         (tokenGen == 0 && node[n].gen == 1 && epoch <= end))
#endif
#define accepts(n)      (node[n].phase == SERVING && node[n].lease < TERM && \
                         tokenGen != NONE && inHistory(n) && node[n].at[0] <= epoch)

/*
 * Early return: after `everywhere` no node accepts the token. A node that knew of the revocation never
 * accepts it again. Bound: once the term has passed since the commit no node accepts it, and none as
 * fresh once the lease has. A failover that loses the entry takes the first and the last back until
 * it is committed anew.
 */
#ifdef BOUND
#define SAFE(n) \
  assert(!(accepts(n) && inLog(0) && committed >= TERM)); \
  assert(!(accepts(n) && inLog(0) && committed >= LEASE && node[n].lease < LEASE));
#else
#define SAFE(n) \
  assert(!(accepts(n) && everywhere)); \
  assert(!(accepts(n) && node[n].knew));
#endif
#ifdef BOUND
#define check() SAFE(0) SAFE(1)
#else
#define check() settle(); SAFE(0) SAFE(1)
#endif

/* ── Views and proofs ──────────────────────────────────────────────────────────────────────── */
#ifdef WITHOUT_COVER
#define covers(n, h)    true
#else
#define covers(n, h)    (node[n].applied >= h)
#endif

#ifdef LATE
inline dropProof(n) { node[n].waits = 0; node[n].waitsAge = 0; node[n].waitsHead = 0 }
inline keepProof(n) { node[n].waits = 1; node[n].waitsAge = 0; node[n].waitsHead = head }
inline ageProof(n) {
  if
  :: node[n].waits ->
     node[n].waitsAge++;
     if :: node[n].waitsAge == TERM -> dropProof(n) :: else fi /* gives no right any more */
  :: else
  fi
}
#else
#define dropProof(n)    skip
#define keepProof(n)    skip
#define ageProof(n)     skip
#endif

/* PROOF: of the view's generation and covered; the newest counts. */
inline prove(n, age_) {
  node[n].phase = SERVING;
  if :: age_ < node[n].lease -> node[n].lease = age_ :: else fi;
  dropProof(n)
}

#ifdef WITHOUT_STAMP_BEFORE_SENDING
/* Then an answer may have been on its way for any time before it is stamped. */
#define cover(n)        skip
#define countsAtOnce(n) false
#define PROVE_LATE(n) \
  STEP(n, "node %d stamps a proof\n", node[n].waits && covers(n, node[n].waitsHead), prove(n, 0))
#else
#define countsAtOnce(n) (node[n].gen == generation && covers(n, head))
#define PROVE_LATE(n)
#ifdef LATE
inline cover(n) {
  if
  :: node[n].waits && covers(n, node[n].waitsHead) -> prove(n, node[n].waitsAge)
  :: else
  fi
}
#else
#define cover(n)        skip
#endif
#endif

/* What nobody can learn any more does not tell states apart. */
#define needsOld(n)     (node[n].gen == 0 && node[n].applied < oldHead)
inline forgetOld() {
  if
  :: failedOver && !needsOld(0) && !needsOld(1) -> oldHead = 0; oldLog[1] = 0; oldLog[2] = 0
  :: else
  fi
}

inline applyEntry(n, position_, entry) {
  node[n].applied = position_;
  node[n].at[entry - 1] = position_;
  if :: entry == 1 -> node[n].knew = 1 :: else fi;
  cover(n);
  forgetOld()
}

inline snapshot(n) {
  node[n].gen = generation;
  node[n].applied = head;
  node[n].at[0] = 0; node[n].at[1] = 0;
  if :: head >= 1 -> node[n].at[log[1] - 1] = 1 :: else fi;
  if :: head >= 2 -> node[n].at[log[2] - 1] = 2 :: else fi;
  if :: inLog(0) -> node[n].knew = 1 :: else fi
}

/* FOLLOW: the next position, and no other. */
#ifdef WITHOUT_GAPS
#define follows(n, p)   (p > node[n].applied)
#else
#define follows(n, p)   (p == node[n].applied + 1)
#endif

/* ── The barrier ───────────────────────────────────────────────────────────────────────────── */
inline closeBarrier() {
  barrier.open = 0; barrier.owner = 0; barrier.gen = 0; barrier.position = 0;
  barrier.age = 0; barrier.listed = 0; barrier.waits = 0
}

/* From now on, in the record's generation. The members are listed by a write of the owner's row. */
inline openBarrier(n, position_) {
  barrier.open = 1; barrier.owner = n; barrier.age = 0;
  barrier.gen = generation; barrier.position = position_;
#ifdef WITHOUT_MEMBERS_AFTER_COMMIT
  barrier.listed = 1; barrier.waits = listedEarly
#else
  barrier.listed = 0; barrier.waits = 0
#endif
}

#define theOwner        node[barrier.owner]
#define sameHistory     (generation == barrier.gen && theOwner.gen == generation && \
                         hasRow(barrier.owner))
#ifdef WITHOUT_CONFIRMATION
#define confirmed       true
#else
#define confirmed       sameHistory
#endif
#ifdef WITHOUT_TOLERANCE
#define termIsOver      (barrier.age >= LEASE)
#else
#define termIsOver      (barrier.age >= TERM)
#endif

/* All have acknowledged; or their terms have ended, and a write sent after that has found the same
   history. In the first term of generation 1 nothing; it is counted from the failover itself, so from
   before anybody can have seen it. */
#define mayReturn       (barrier.open && barrier.listed && (barrier.gen == 0 || settled) && \
                         (barrier.waits == 0 || (termIsOver && confirmed)))

/* Whether the entry is still there under the name that the barrier knows. */
#define isKept          (barrier.gen == generation || barrier.position <= end)

inline returnEverywhere() {
  /* Of an entry that is lost by then it is said only while every member holds it. */
  assert(isKept || barrier.waits == 0);
  if :: isKept -> everywhere = 1; printf("  everywhere\n") :: else fi;
  closeBarrier()
}

#define hasApplied(n)   (node[n].gen == barrier.gen && node[n].applied >= barrier.position)

/* After each step, what brings the call nearer to its end, at once: later would only promise less. */
inline settle() {
  if
  :: barrier.open ->
     if
     :: sameHistory && !barrier.listed -> barrier.listed = 1; barrier.waits = rows
     :: sameHistory && barrier.listed -> barrier.waits = barrier.waits & rows
     :: else
     fi;
     if :: hasApplied(0) -> barrier.waits = barrier.waits & 2 :: else fi;
     if :: hasApplied(1) -> barrier.waits = barrier.waits & 1 :: else fi;
     if
     :: mayReturn -> returnEverywhere()
     :: !mayReturn && barrier.listed && barrier.waits == 0 -> barrier.age = TERM
     :: else
     fi
  :: else
  fi
}

/* ── Generations ───────────────────────────────────────────────────────────────────────────── */

/* A view has entered the record's generation: what its owner waits for is looked up by its name; lost, or
   waited for anew. */
inline entered(n) {
  dropProof(n);
  forgetOld();
  if
  :: barrier.open && barrier.owner == n && barrier.gen == 0 && generation == 1 ->
     if
     :: barrier.position <= end -> openBarrier(n, barrier.position)
     :: else -> closeBarrier()
     fi
  :: else
  fi
}

#define isBehind(n)     (node[n].gen == 0 && generation == 1)
#ifdef WITHOUT_LINEAGE_OF_VIEWS
#define isPrefix(n)     true
#else
#define isPrefix(n)     (node[n].applied <= end)
#endif

/* HAND IN: what the view holds beyond the end of its generation is in the new history, too. */
#define isLost(n, r)    (node[n].at[r] > end)
#ifdef WITHOUT_HAND_IN
#define handedIn(n)     true
#else
#define handedIn(n)     ((!isLost(n, 0) || inLog(0)) && (!isLost(n, 1) || inLog(1)))
#endif

inline cutOff(kept, p) {
  if
  :: p > kept && p <= head ->
     if :: log[p] == 1 -> everywhere = 0; committed = 0 :: else fi;
     log[p] = 0
  :: else
  fi
}

/*
 * The standby becomes the primary, with the log up to `kept` and with some of the rows; the old one is
 * fenced. GENERATION: the first statement that meets the new server begins one before it does anything.
 */
inline failOver(kept, keptRows) {
  failedOver = 1;
  oldHead = head; oldLog[1] = log[1]; oldLog[2] = log[2];
  cutOff(kept, 1); cutOff(kept, 2);
  head = kept;
  rows = keptRows;
  /* Beats may be lost, so that a row is again as an observer saw it long ago. */
  node[0].quiet = (rows & 1 -> TERM : 0);
  node[1].quiet = (rows & 2 -> TERM : 0);
#ifndef WITHOUT_GENERATION
  generation = 1; end = head;
#ifndef WITHOUT_FIRST_TERM
  settled = 0;
#endif
#endif
  forgetOld()
}

/* ── Time ──────────────────────────────────────────────────────────────────────────────────── */
#define grow(age_)      if :: age_ < TERM -> age_++ :: else fi

inline ageNode(n) {
  grow(node[n].lease);
  if :: hasRow(n) -> grow(node[n].quiet) :: else fi;
  ageProof(n)
}

inline tick() {
  ageNode(0); ageNode(1);
  if :: !settled -> begun++ :: else fi;
  if :: begun == TERM -> settled = 1; begun = 0 :: else fi;
#ifdef BOUND
  if :: inLog(0) -> grow(committed) :: else fi
#else
  if :: barrier.open -> grow(barrier.age) :: else fi
#endif
}

/* ── Membership ────────────────────────────────────────────────────────────────────────────── */
inline dropRow(n) { rows = rows & ~bitOf(n); node[n].quiet = 0 }

/* The row, under an id that was never used. Later lists lack the old one, so nobody waits for it. */
inline join(n) {
  node[n].phase = JOINING;
  rows = rows | bitOf(n);
  barrier.waits = barrier.waits & ~bitOf(n)
}

/* MEMBERS: a proof that is needed to serve is younger than the row. */
#ifdef WITHOUT_ROW_BEFORE_PROOF
#define EARLY(n) \
  STEP(n, "node %d reads the log\n", node[n].phase == OUT && node[n].gen == NONE, snapshot(n); node[n].lease = 0) \
  STEP(n, "node %d serves\n", node[n].phase == JOINING && node[n].lease < TERM, node[n].phase = SERVING)
#else
#define EARLY(n)
#endif

/* HEARTBEAT: without a row no proof; the node stops, keeps its view and joins again. */
inline beat(n) {
  if
  :: !hasRow(n) -> node[n].phase = OUT; node[n].lease = TERM; dropProof(n)
  :: else ->
     node[n].quiet = 0;
     if
     :: countsAtOnce(n) -> prove(n, 0)
     :: !countsAtOnce(n) && node[n].gen == generation && !failedOver -> keepProof(n)
     :: else
     fi
  fi
}

/* MEMBERS: removed when its row has not changed for as long as its proofs last. */
#ifdef WITHOUT_SILENCE
#define isSilent(n)     true
#else
#define isSilent(n)     (node[n].quiet >= TERM)
#endif

/* Killed, or gone in order: the row that a killed node leaves behind would only be waited for. */
inline crash(n) {
  node[n].phase = OUT; node[n].gen = NONE; node[n].applied = 0;
  node[n].at[0] = 0; node[n].at[1] = 0; node[n].knew = 0;
  node[n].lease = TERM;
  dropProof(n); dropRow(n); forgetOld();
  barrier.waits = barrier.waits & ~bitOf(n);
  if :: barrier.open && barrier.owner == n -> closeBarrier() :: else fi
}

/* ── The log ───────────────────────────────────────────────────────────────────────────────── */

/* COMMIT: at the end of the log, in its generation; so are entries that are handed in. */
inline append(r) {
  head++;
  log[head] = r + 1
}

#ifdef BOUND
#define called(n)       skip
#else
inline called(n) {
  if :: !barrier.open -> openBarrier(n, head) :: else fi
}
#endif

#ifdef WITHOUT_MEMBERS_AFTER_COMMIT
#define mayCommit       (listedEarly != 0)
#define LIST_EARLY      STEP(0, "the members are listed\n", listedEarly == 0, listedEarly = rows)
#else
#define mayCommit       true
#define LIST_EARLY
#endif

/* ── All steps ─────────────────────────────────────────────────────────────────────────────── */
/* What it is, for the printed schedule; when it is possible; what it does. */
#define STEP(n, what, guard, effect) \
  :: d_step { (guard) -> printf(what, n); effect; check(); skip }

/* From the record or the hub; from the hub also what was announced before the failover. */
#define LEARN(n, p) \
  STEP(n, "node %d takes in an entry\n", \
       node[n].gen == generation && p <= head && follows(n, p), applyEntry(n, p, log[p])) \
  STEP(n, "node %d takes in an old announcement\n", \
       node[n].gen == 0 && p <= oldHead && follows(n, p), applyEntry(n, p, oldLog[p]))

#define NODE(n) \
  EARLY(n) PROVE_LATE(n) \
  STEP(n, "node %d inserts its row\n", node[n].phase == OUT, join(n)) \
  STEP(n, "node %d takes a snapshot\n", \
       node[n].phase == JOINING && node[n].gen == NONE, snapshot(n); entered(n)) \
  STEP(n, "node %d beats\n", node[n].phase != OUT, beat(n)) \
  LEARN(n, 1) LEARN(n, 2) \
  STEP(n, "node %d goes on in generation 1\n", isBehind(n) && isPrefix(n), \
       node[n].gen = 1; entered(n)) \
  STEP(n, "node %d hands in revocation 0\n", \
       isBehind(n) && !isPrefix(n) && isLost(n, 0) && !inLog(0), append(0)) \
  STEP(n, "node %d hands in revocation 1\n", \
       isBehind(n) && !isPrefix(n) && isLost(n, 1) && !inLog(1), append(1)) \
  STEP(n, "node %d replaces its view\n", isBehind(n) && !isPrefix(n) && handedIn(n), \
       node[n].lease = TERM; snapshot(n); entered(n)) \
  STEP(n, "node %d is removed\n", hasRow(n) && isSilent(n), dropRow(n)) \
  STEP(n, "node %d is killed\n", node[n].gen != NONE || hasRow(n), crash(n)) \
  STEP(n, "node %d commits revocation 0\n", \
       node[n].phase == SERVING && !inLog(0) && tokenGen != NONE && mayCommit, \
       append(0); called(n)) \
  STEP(n, "node %d commits revocation 1\n", node[n].phase == SERVING && !inLog(1), append(1))

#define ASK(n) \
  STEP(n, "node %d is asked for revocation 0\n", \
       !barrier.open && !everywhere && node[n].phase == SERVING && \
       node[n].gen == generation && node[n].at[0] > 0, openBarrier(n, node[n].at[0]))

#define FAIL_OVER KEEPING(0) KEEPING(1) KEEPING(2)
#define KEEPING(h) LEAVING(h, 0) LEAVING(h, 1) LEAVING(h, 2) LEAVING(h, 3)
#define LEAVING(h, keptRows) \
  STEP(h, "failover, the standby has the log up to %d\n", \
       !failedOver && h <= head && \
       (!(keptRows & 1) || node[0].phase != OUT) && (!(keptRows & 2) || node[1].phase != OUT), \
       failOver(h, keptRows))

init {
  d_step { node[0].phase = SERVING; node[0].gen = 0 };
  do
  :: d_step { printf("a tick\n"); tick(); check(); skip }
  NODE(0) NODE(1)
  STEP(head, "login at epoch %d\n", tokenGen == NONE, tokenGen = generation; epoch = head)
#ifndef BOUND
  LIST_EARLY ASK(0) ASK(1)
#endif
  FAIL_OVER
  od
}
