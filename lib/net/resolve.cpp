// SPDX-License-Identifier: MIT
#include "net/resolve.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/domain.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/out_of_memory.hpp"

namespace netlab::net {
namespace {

using addresses = std::vector<asio::ip::address>;

// Each look-up needs a thread, which costs memory, and name services limit the number of queries, too.
constexpr std::size_t most_look_ups = 256;

asio::ip::address to_address(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    return asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &from, sizeof in);
  asio::ip::address_v6::bytes_type octets;
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return asio::ip::address_v6(octets, in.sin6_scope_id);
}

// `host` is user input and may contain anything.
std::string act(const std::string& host) { return "resolve " + escape(host, 80); }

failure resolver_failure(int code, const std::string& host) {
  const std::string context = act(host);
  switch (code) {
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
#endif
    case EAI_FAMILY: return {make_error_code(errc::no_such_host), context, {}, {}};
    case EAI_AGAIN: return {make_error_code(errc::resolver_failed), context, {}, {}};
    case EAI_MEMORY: return {{ENOMEM, std::generic_category()}, context, {}, {}};
    case EAI_SYSTEM: return {last_system_error(), context, {}, {}};
    default: return {make_error_code(errc::resolver_failed), context, gai_strerror(code), {}};
  }
}

/// Without a free descriptor, getaddrinfo() can neither read files nor ask a server, and reports that the host does not
/// exist.
std::error_code lacks_descriptors() {
  const unique_fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::error_code error = probe ? std::error_code() : last_system_error();
  return classify(error) == error_class::system_resources ? error : std::error_code();
}

result<addresses> look_up(const std::string& host, family which, int flags) {
  std::string name = host;
  if (!is_ascii(host)) {  // DNS uses A-labels
    auto ascii = to_ascii_domain(host);
    if (!ascii)
      return unexpected(failure(make_error_code(errc::no_such_host), act(host), std::move(ascii.error().detail), {}));
    name = std::move(*ascii);
  }
  addrinfo hints{};
  hints.ai_family = which == family::ipv4 ? AF_INET : which == family::ipv6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one entry per address
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  errno = 0;
  const int code = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    // Without files, sockets or memory, getaddrinfo() reports that the name was not found.
    const bool lacks_memory = errno == ENOMEM;
    if (const std::error_code error = lacks_descriptors()) return fail(error, act(host));
    return unexpected(resolver_failure(lacks_memory ? EAI_MEMORY : code, host));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  addresses found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    const asio::ip::address address = to_address(*each->ai_addr);
    if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
  }
  if (found.empty()) return unexpected(resolver_failure(EAI_NONAME, host));
  return found;
}

// getaddrinfo() cannot be cancelled, and Asio's resolver waits for it when its context is destroyed. So each look-up
// has a detached thread, which shares this state with the waiter and drops it if the waiter has gone.
struct look_up_state {
  std::mutex mutex;
  asio::steady_timer* waiter = nullptr;  // null if no coroutine waits
  std::optional<result<addresses>> outcome;
};

// Runs in the thread.
result<addresses> look_up_alone(const std::string& host, family which) noexcept {
  try {
    return look_up(host, which, 0);
  } catch (const std::bad_alloc&) {
    return unexpected(failure{std::make_error_code(std::errc::not_enough_memory), {}, {}, {}});
  }
}

}  // namespace

asio::awaitable<result<addresses>> resolve(std::string host, family which, time_point deadline) {
  if (const auto address = parse_address(host)) {
    if (!in_family(*address, which))
      co_return fail(errc::no_such_host,
                     fmt::format("{}: not an IPv{} address", act(host), which == family::ipv4 ? 4 : 6));
    if (auto whole = check_interface(*address); !whole) co_return unexpected(whole.error());
    co_return addresses{*address};
  }
  auto state = std::make_shared<look_up_state>();
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  state->waiter = &timer;
  std::thread([state, host, which]() noexcept {
    auto outcome = look_up_alone(host, which);
    const std::lock_guard lock(state->mutex);
    state->outcome = std::move(outcome);
    // The waiter clears the pointer under the same lock before it destroys its timer, so posting is safe.
    if (state->waiter == nullptr) return;
    insist([&] {
      asio::post(state->waiter->get_executor(), [state] {
        if (state->waiter != nullptr) state->waiter->cancel();
      });
    });
  }).detach();
  // Resets the pointer on every exit, including the destruction of a suspended coroutine.
  struct leave {
    look_up_state& state;
    ~leave() {
      const std::lock_guard lock(state.mutex);
      state.waiter = nullptr;
    }
  } guard{*state};
  const auto [error] = co_await timer.async_wait(use_tuple);
  const std::lock_guard lock(state->mutex);
  if (state->outcome) co_return std::move(*state->outcome);
  if (!error) co_return fail(make_error_code(errc::timed_out), act(host));
  co_return fail(error, act(host));
}

namespace {

/// State shared by the look-ups of several names.
struct look_ups {
  std::vector<std::string> hosts;
  family which;
  time_point deadline;
  std::function<void(std::size_t, const result<addresses>&)> report;
  std::vector<result<addresses>> found;  // in the order of the hosts
  std::size_t next = 0;
  bool is_cancelled = false;
};

asio::awaitable<void> look_up_some(look_ups& all) {
  // After cancellation, each look-up returns a failure; no exception is thrown.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (all.next < all.hosts.size() && !all.is_cancelled) {
    const std::size_t mine = all.next++;
    auto one = co_await resolve(all.hosts[mine], all.which, all.deadline);
    all.found[mine] = std::move(one);
    if (all.report) all.report(mine, all.found[mine]);
  }
}

}  // namespace

asio::awaitable<std::vector<result<addresses>>> resolve_all(
    std::vector<std::string> hosts, family which, time_point deadline,
    std::function<void(std::size_t, const result<addresses>&)> found) {
  const auto executor = co_await asio::this_coro::executor;
  look_ups all{
      .hosts = std::move(hosts), .which = which, .deadline = deadline, .report = std::move(found), .found = {}};
  all.found.reserve(all.hosts.size());
  for (const std::string& host : all.hosts) all.found.push_back(fail(asio::error::operation_aborted, act(host)));
  std::vector<asio::cancellation_signal> cancel(std::min(all.hosts.size(), most_look_ups));
  std::size_t running = cancel.size();
  std::exception_ptr thrown;
  asio::steady_timer finished(executor, never);
  for (asio::cancellation_signal& each : cancel)
    asio::co_spawn(executor, look_up_some(all),
                   asio::bind_cancellation_slot(each.slot(), [&](const std::exception_ptr& error) {
                     --running;
                     if (error) thrown = error;
                     finished.cancel();
                   }));
  while (running > 0) {
    co_await finished.async_wait(use_tuple);
    if (!is_cancelled(co_await asio::this_coro::cancellation_state) || std::exchange(all.is_cancelled, true)) continue;
    for (asio::cancellation_signal& each : cancel) each.emit(asio::cancellation_type::terminal);
  }
  rethrow(thrown);
  co_return std::move(all.found);
}

}  // namespace netlab::net
