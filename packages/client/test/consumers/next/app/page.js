'use client';
import { createClient } from 'nestjs-sse-redis-client';
import { useEffect, useState } from 'react';

export default function Page() {
  const [status, setStatus] = useState('none');
  useEffect(() => {
    const client = createClient({ url: '/events' });
    const off = client.onState((state) => setStatus(state.status));
    return () => {
      off();
      client.close();
    };
  }, []);
  return <p>{status}</p>;
}
