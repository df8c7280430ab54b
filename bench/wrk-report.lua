-- Told by BENCH_* what to send; prints one line of JSON that bench/load.ts reads.
local size = tonumber(os.getenv("BENCH_UPLOAD_BYTES") or "0")
if size > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("a", size)
end

done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"bytes":%d,"seconds":%f,"failures":%d,"p50Ms":%f,"p99Ms":%f,"p999Ms":%f}\n',
    summary.requests, summary.bytes, summary.duration / 1000000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000))
end
