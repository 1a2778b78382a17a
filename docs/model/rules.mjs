// The rules of docs/delivery.md, each of which can be switched off to show that it is needed: --without=RULE

export const RULES = [
  'bound',
  'watermark',
  'since',
  'ahead',
  'prev',
  'subscribe-first',
  'id-only',
  'memory-covers',
  'expiry-margin',
  'idle-clock',
  'unconfirmed',
  'gap-start',
  'announced-first',
  'memory-not-ahead',
  'late-channel',
  'unsubscribe-acknowledged',
  'one-block',
  'last-gap',
  'late-id',
  'late-channel-named',
  'owed-id',
  'late-read',
  'audit',
  'audit-after-watermark',
  'audit-before-leaving',
  'audit-lost-link',
  'unconfirmed-unanswered',
  'lost-notice',
  'notice-at-once',
  'notice-on-arrival',
  'notice-before-newer',
  'late-notice-again',
  'newest-end',
  'end-confirmed',
  'line',
  'set-back',
  'newer-waits',
  'failover-notice',
  'audit-forked',
  'joined-id',
  'tombstone',
];

/** Events of one channel are forgotten before those of others. */
export const hasShortLived = process.argv.includes('--short');

export const off = new Set(process.argv.filter((a) => a.startsWith('--without=')).map((a) => a.slice(10)));
for (const r of off) if (!RULES.includes(r)) throw new Error(`no such rule: ${r}`);

export const on = (rule) => !off.has(rule);
