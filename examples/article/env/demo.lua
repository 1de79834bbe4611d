return {
  first = "http://127.0.0.1:9321/metrics",
  second = "http://127.0.0.1:9322/metrics",
  third = "http://127.0.0.1:9323/metrics",
}
