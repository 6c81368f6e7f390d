// SPDX-License-Identifier: MIT
// A lab's own certificate authority, kept in a directory: made at the first start, reused at every later one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/issue.hpp"

namespace netlab::net {

/// What a TLS server shows, in PEM: its certificate with what a client needs beside it, and the key.
struct server_identity {
  std::string certificates;
  std::string key;
};

/// How a certificate can be wrong, for those who practise what a client does about it.
enum class certificate_fault : std::uint8_t {
  expired,
  not_yet_valid,
  wrong_host,
  self_signed,
  unknown_ca,  ///< signed by another CA than the one whose file clients have
};

/// The directory holds `ca.pem`, which clients trust; `ca.key` and `server.pem`, for the owner alone. Several processes
/// may use one directory, and start at the same time.
class authority {
 public:
  /// Opens it, or makes it (mode 0700) where there is none. A CA that ends within a year gets a new certificate for the
  /// same key. The failure names the file: errc::cannot_create, errc::not_permitted (it belongs to another user),
  /// errc::no_input (cannot be read), errc::bad_data (what is in it is no key or certificate, or they don't fit).
  [[nodiscard]] static result<authority> open(const std::string& directory);

  /// The file for clients, as an absolute path.
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

  /// A certificate for these names and addresses: the one kept, if it has them all and two months left, else a new one,
  /// which is kept then. Names of this machine are not added: see own_names().
  [[nodiscard]] result<server_identity> server(const std::vector<std::string>& names) const;

  /// One that is wrong; nothing of it is kept.
  [[nodiscard]] result<server_identity> faulty(certificate_fault how, const std::vector<std::string>& names) const;

 private:
  authority(std::string directory, issued own);
  [[nodiscard]] std::string kept_server(const std::vector<std::string>& names) const;

  std::string directory_;
  std::string file_;
  issued own_;
};

/// What clients may call this machine: localhost, the loopback addresses, its name, and the addresses of its
/// interfaces that are not link-local.
[[nodiscard]] std::vector<std::string> own_names();

}  // namespace netlab::net
