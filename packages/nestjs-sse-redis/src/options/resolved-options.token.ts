/** Token of the checked options. Not public: applications have their own options already. */
export const RESOLVED_OPTIONS = Symbol('SSE_REDIS_RESOLVED_OPTIONS');
