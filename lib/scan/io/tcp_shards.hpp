// SPDX-License-Identifier: MIT
// The TCP scan on several cores: an engine and a loop per thread, each with a share of the ports. Findings are
// reported in the thread of the scan's own loop.
#pragma once

#include <memory>
#include <vector>

#include "scan/io/tcp_connect.hpp"

namespace netlab::scan {

class tcp_shards final : public engine {
 public:
  /// Like tcp_connect_engine; `options` applies to all `count` engines together. Fails with the system's error.
  [[nodiscard]] static result<std::unique_ptr<tcp_shards>> make(const tcp_options& options, unsigned count,
                                                                const target_set& targets,
                                                                const service_names& services, poller& on,
                                                                unsigned number, const scan_output& output);
  ~tcp_shards() override;

  void handle(std::uint64_t key, std::uint32_t events, time_point now) override;
  [[nodiscard]] time_point turn(time_point now, bool is_up_to_date) override;
  [[nodiscard]] bool done() const override;
  void abandon(time_point now) override;
  [[nodiscard]] engine_progress progress() const override;
  [[nodiscard]] std::optional<failure> trouble() const override;

 private:
  class worker;
  struct mailbox;

  explicit tcp_shards(const scan_output& output);
  void report_all();

  const scan_output& output_;
  std::unique_ptr<mailbox> mail_;  // filled by the threads
  std::vector<std::unique_ptr<worker>> workers_;
  bool started_ = false;
};

/// Makes the TCP engine for as many cores as are worth it; else like tcp_shards::make().
[[nodiscard]] result<std::unique_ptr<engine>> make_tcp_engine(const tcp_options& options, const target_set& targets,
                                                              const service_names& services, poller& on,
                                                              unsigned number, const scan_output& output);

}  // namespace netlab::scan
