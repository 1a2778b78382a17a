# Varnish. Measured with 7.1.1.
vcl 4.1;

import directors;

probe alive {
  # A route of your application that answers 200.
  .url = "/health";
  .interval = 1s;
  .timeout = 1s;
  .window = 3;
  .threshold = 1;
  .initial = 1;
}
backend a { .host = "127.0.0.1"; .port = "3001"; .connect_timeout = 2s; .probe = alive; }
backend b { .host = "127.0.0.1"; .port = "3002"; .connect_timeout = 2s; .probe = alive; }

sub vcl_init {
  new app = directors.round_robin();
  app.add_backend(a);
  app.add_backend(b);
}

sub vcl_recv {
  set req.backend_hint = app.backend();
  # Ends, departures and limits are exact in a pipe, and a process that is away is a reset, which an EventSource survives.
  if (req.http.Accept ~ "text/event-stream") { return (pipe); }
}
