// SPDX-License-Identifier: MIT
// Runs the journal in its own thread, with a lower priority than the lab's services.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lab/io/journal_file.hpp"
#include "lab/io/observation_queue.hpp"
#include "lab/web/class_monitor.hpp"
#include "net/asio.hpp"
#include "serve/workers.hpp"

namespace netlab::lab {

struct journal_parameters {
  roster names;
  recognizer_parameters recognized;
  std::string file;  ///< of the journal; empty: none
  std::function<void(const std::string&)> note;  ///< messages for the log; called from the journal's thread
  std::function<void(const std::string&)> json = {};  ///< an event as a line of JSON; may be empty
};

class journal_loop {
 public:
  /// Reads the journal's file. Fails as journal_file::open() does.
  [[nodiscard]] static result<std::unique_ptr<journal_loop>> open(journal_parameters parameters);
  journal_loop(const journal_loop&) = delete;
  journal_loop& operator=(const journal_loop&) = delete;

  /// For the observers of services; may be used from any thread.
  [[nodiscard]] observation_queue& queue() noexcept { return queue_; }
  /// Use it in the loop's thread only.
  [[nodiscard]] class_monitor& monitor() noexcept { return monitor_; }
  [[nodiscard]] serve::workers& workers() noexcept { return workers_; }
  /// `call` is called in the loop's thread whenever the feed has something new.
  void on_news(std::function<void()> call) { on_news_ = std::move(call); }
  void note(const std::string& line) const { parameters_.note(line); }

  /// How many records were read from the file, as a message for the log; empty if none.
  [[nodiscard]] std::string summary() const;

  /// Before the workers start: from their start on, the queue is read several times a second.
  void start();
  /// After the workers have ended: processes what is left in the queue.
  void finish() { turn(); }

 private:
  explicit journal_loop(journal_parameters parameters);
  void wait();
  void turn();
  void write_out();

  journal_parameters parameters_;
  observation_queue queue_;
  class_monitor monitor_;
  std::unique_ptr<journal_file> file_;
  std::function<void()> on_news_;
  serve::workers workers_{1};
  std::optional<asio::steady_timer> timer_;
};

}  // namespace netlab::lab
