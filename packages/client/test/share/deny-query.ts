/** As Firefox 153 in a frame of another site: it has locks, and does not say who holds them. */
export function denyQuery(): void {
  navigator.locks.query = () =>
    Promise.reject(new DOMException('query() is not allowed in this context', 'SecurityError'));
}
