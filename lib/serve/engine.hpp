// SPDX-License-Identifier: MIT
// The interface between a server and the program that runs it: how to start it on listening sockets and stop it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/listen.hpp"
#include "serve/workers.hpp"
#include "tls/context.hpp"

namespace netlab::serve {

/// Serves peers in the threads of some workers. stop() and abort() may be called from any thread, the other functions
/// only from the thread that created it.
class engine {
 public:
  /// The workers must have been joined, or never started.
  virtual ~engine() = default;

  /// Call it before start(). Lets sessions start TLS with one of these identities; `implicit`: every session starts
  /// with TLS (RFC 8314 §3). Fails as tls::context::server() does, and if the server has no TLS.
  [[nodiscard]] virtual result<void> use_tls(const std::vector<tls::server_options>& identities, bool implicit) {
    static_cast<void>(identities);
    static_cast<void>(implicit);
    return fail(std::make_error_code(std::errc::operation_not_supported), "TLS");
  }

  /// Takes over the descriptors of listen(), opened with sockets_each = workers::size(); the addresses stay. Call it
  /// before workers::start(), from which on peers are served. Throws std::bad_alloc and std::system_error.
  virtual void start(std::vector<bound>& sockets) = 0;

  /// Graceful shutdown: accepts no more peers except those already in the queue; sessions finish what they have begun.
  /// Calls `drained` once, in a worker's thread, when all is closed. Call it only once.
  virtual void stop(std::function<void()> drained) = 0;
  /// Closes every session at once.
  virtual void abort() = 0;

  [[nodiscard]] virtual std::size_t clients() const noexcept = 0;
};

class handler;
struct limits;

/// A server that can be run.
class servable {
 public:
  virtual ~servable() = default;

  /// The limits that its protocol and its parameters need; the caller may tighten them for run_on().
  [[nodiscard]] virtual serve::limits limits() const = 0;
  /// `on` and this must outlive the engine.
  [[nodiscard]] virtual std::unique_ptr<engine> run_on(workers& on, const serve::limits& bounds) = 0;
  /// Call it when the engine has ended. Finishes the log and returns the totals as a line; empty: it has none.
  [[nodiscard]] virtual std::string conclude() { return {}; }
  /// The handler of its sessions and datagrams, so that another handler can wrap it. Null if the engine serves its
  /// peers itself, in loops that occupy the workers' threads.
  [[nodiscard]] virtual handler* sessions() noexcept { return nullptr; }
};

}  // namespace netlab::serve
