// SPDX-License-Identifier: MIT
#include "tls/authority.hpp"

#include <fcntl.h>
#include <ifaddrs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/endpoint.hpp"
#include "net/fd.hpp"
#include "tls/certificate.hpp"

namespace netlab::tls {
namespace {

using std::chrono::days;

constexpr days ca_time{10 * 365};
constexpr days ca_time_least{365};      // renewed when less is left, so that it outlives what it signs
constexpr days server_time{365};
constexpr days server_time_least{60};   // a sink may run that long
constexpr days clock_difference{1};     // a client's clock may be slow
constexpr std::size_t max_file = 64 * 1024;

failure trouble(errc code, std::string_view act, const std::string& path, std::string detail, std::string hint = {}) {
  return {make_error_code(code), fmt::format("{} '{}'", act, escape(path, 200)), std::move(detail), std::move(hint)};
}

/// errc::not_permitted for missing permission, `code` for everything else.
failure system_trouble(errc code, std::string_view act, const std::string& path,
                       std::error_code why = last_system_error()) {
  if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted ||
      why == std::errc::read_only_file_system)
    return trouble(errc::not_permitted, act, path, message_of(why), "--state DIR names another directory");
  return trouble(code, act, path, message_of(why));
}

/// Returns an empty optional if the file does not exist.
result<std::optional<std::string>> read_file(const std::string& path, bool is_secret = false) {
  const net::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return unexpected(system_trouble(errc::no_input, "read", path));
  struct stat about{};
  if (is_secret && ::fstat(fd.get(), &about) == 0 && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return unexpected(trouble(errc::not_permitted, "read", path, "other users may read or change it",
                              "chmod 600; if others may have read it, remove it and the CA certificate"));
  auto text = netlab::read_all(fd.get(), max_file);
  if (text) return std::move(*text);
  if (text.error() == std::errc::file_too_large)
    return unexpected(trouble(errc::bad_data, "read", path, "too large for a key or certificate"));
  return unexpected(trouble(errc::no_input, "read", path, message_of(text.error())));
}

result<void> write_file(const std::string& path, std::string_view text, mode_t mode) {
  if (const std::error_code error = replace_file(path, text, mode))
    return unexpected(system_trouble(errc::cannot_create, "write", path, error));
  return {};
}

/// Only one process at a time uses a directory.
class directory_lock {
 public:
  explicit directory_lock(const std::string& directory)
      : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    while (fd_ && ::flock(fd_.get(), LOCK_EX) != 0 && errno == EINTR) {}
  }

 private:
  net::unique_fd fd_;  // closing it releases the lock
};

std::string new_ca_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  // A common name has at most 64 characters.
  return fmt::format("netlab lab CA of {:.40}", is_harmless(host.data()) ? host.data() : "this host");
}

result<issued> make_ca(key_ptr key) {
  return issue({.common_name = new_ca_name(), .is_ca = true, .starts = -clock_difference, .ends = ca_time}, nullptr,
               std::move(key));
}

}  // namespace

authority::authority(std::string directory, issued own)
    : directory_(std::move(directory)), file_(directory_ + "/ca.pem"), own_(std::move(own)) {}

result<authority> authority::open(const std::string& named) {
  std::error_code error;
  std::string directory = std::filesystem::absolute(named, error).lexically_normal().string();
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  if (error || named.empty()) return unexpected(trouble(errc::cannot_create, "state directory", named, "no such path"));
  const bool is_there = std::filesystem::is_directory(directory, error);
  if (!is_there) {
    std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
    // Two processes may have started at the same time.
    if (!error && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) error = last_system_error();
    if (error) return unexpected(system_trouble(errc::cannot_create, "make the state directory", directory, error));
  }
  const directory_lock lock(directory);

  const std::string key_file = directory + "/ca.key";
  const std::string certificate_file = directory + "/ca.pem";
  const std::string cure = fmt::format("remove {} and {} to get a new CA", key_file, certificate_file);
  const auto key_text = read_file(key_file, true);
  if (!key_text) return unexpected(key_text.error());
  const auto certificate_text = read_file(certificate_file);
  if (!certificate_text) return unexpected(certificate_text.error());

  issued own;
  if (*key_text) {
    own.key = parse_key(**key_text);
    if (!own.key)
      return unexpected(trouble(errc::bad_data, "read", key_file, "it contains no key in PEM format", cure));
  }
  if (*certificate_text) {
    own.certificate = parse_certificate(**certificate_text);
    if (!own.certificate)
      return unexpected(
          trouble(errc::bad_data, "read", certificate_file, "it contains no certificate in PEM format", cure));
    if (!own.key || X509_check_private_key(own.certificate.get(), own.key.get()) != 1)
      return unexpected(trouble(errc::bad_data, "read", certificate_file,
                                fmt::format("it does not match the key in '{}'", escape(key_file, 200)), cure));
  }
  if (own.certificate && time_left(own.certificate.get()) >= ca_time_least)
    return authority(std::move(directory), std::move(own));

  // Write the key first, so that a certificate never exists without its key.
  const bool has_key = own.key != nullptr;
  auto made = make_ca(std::move(own.key));
  if (!made) return unexpected(made.error());
  if (!has_key)
    if (auto written = write_file(key_file, to_pem(made->key.get()), 0600); !written)
      return unexpected(written.error());
  if (auto written = write_file(certificate_file, to_pem(made->certificate.get()), 0644); !written)
    return unexpected(written.error());
  return authority(std::move(directory), std::move(*made));
}

std::string authority::kept_server(const std::vector<std::string>& names) const {
  auto text = read_file(directory_ + "/server.pem");
  if (!text || !*text) return {};
  const certificate_ptr kept = parse_certificate(**text);
  const key_ptr key = parse_key(**text);
  if (!kept || !key || X509_check_private_key(kept.get(), key.get()) != 1) return {};
  if (X509_verify(kept.get(), own_.key.get()) != 1 || time_left(kept.get()) < server_time_least) return {};
  const std::vector<std::string> has = alternative_names(kept.get());
  const auto is_in = [&](const std::string& name) { return std::find(has.begin(), has.end(), name) != has.end(); };
  return std::all_of(names.begin(), names.end(), is_in) ? std::move(**text) : std::string();
}

result<server_identity> authority::server(const std::vector<std::string>& names) const {
  const directory_lock lock(directory_);
  const std::string own = to_pem(own_.certificate.get());
  if (const std::string kept = kept_server(names); !kept.empty()) {
    const certificate_ptr certificate = parse_certificate(kept);
    const key_ptr key = parse_key(kept);
    return server_identity{to_pem(certificate.get()) + own, to_pem(key.get())};
  }
  const auto made = issue(
      {.common_name = "netlab lab server", .names = names, .starts = -clock_difference, .ends = server_time}, &own_);
  if (!made) return unexpected(made.error());
  server_identity identity{to_pem(made->certificate.get()), to_pem(made->key.get())};
  if (auto written = write_file(directory_ + "/server.pem", identity.certificates + identity.key, 0600); !written)
    return unexpected(written.error());
  identity.certificates += own;
  return identity;
}

result<server_identity> authority::faulty(certificate_fault fault, const std::vector<std::string>& names) const {
  certificate_request request{
      .common_name = "netlab lab server", .names = names, .starts = -days(30), .ends = days(30)};
  const issued* by = &own_;
  std::optional<issued> other;
  switch (fault) {
    case certificate_fault::expired: request.ends = -clock_difference; break;
    case certificate_fault::not_yet_valid: request.starts = days(7); break;
    case certificate_fault::wrong_host: request.names = {"wrong-host.invalid"}; break;
    case certificate_fault::self_signed: by = nullptr; break;
    case certificate_fault::unknown_ca: {
      auto made =
          issue({.common_name = "netlab unknown CA", .is_ca = true, .starts = -days(30), .ends = days(30)}, nullptr);
      if (!made) return unexpected(made.error());
      by = &other.emplace(std::move(*made));
      break;
    }
  }
  const auto made = issue(request, by);
  if (!made) return unexpected(made.error());
  server_identity identity{to_pem(made->certificate.get()), to_pem(made->key.get())};
  if (by != nullptr) identity.certificates += to_pem(by->certificate.get());
  return identity;
}

std::vector<std::string> own_names() {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  const auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  std::array<char, 256> host{};
  // A host may have any name; only one that is a DNS name goes into a certificate.
  constexpr std::string_view usual = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  if (::gethostname(host.data(), host.size() - 1) == 0)
    if (const std::string name = to_lower(host.data());
        !name.empty() && name.find_first_not_of(usual) == std::string::npos)
      add(name);
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return names;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    net::tcp::endpoint end;
    if (each->ifa_addr->sa_family == AF_INET)
      end = net::tcp::endpoint(net::tcp::v4(), 0);
    else if (each->ifa_addr->sa_family == AF_INET6)
      end = net::tcp::endpoint(net::tcp::v6(), 0);
    else
      continue;
    std::copy_n(reinterpret_cast<const std::byte*>(each->ifa_addr), end.size(),
                reinterpret_cast<std::byte*>(end.data()));
    const asio::ip::address address = end.address();
    if (address.is_v6() && address.to_v6().is_link_local()) continue;
    add(address.to_string());
  }
  ::freeifaddrs(all);
  return names;
}

}  // namespace netlab::tls
