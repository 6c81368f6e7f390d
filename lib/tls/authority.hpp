// SPDX-License-Identifier: MIT
// A lab's own certificate authority, kept in a directory: created at the first start and reused later.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tls/issue.hpp"

namespace netlab::tls {

/// What a TLS server needs, in PEM: its certificate and the CA's, and its key.
struct server_identity {
  std::string certificates;
  std::string key;
};

/// Deliberate faults of a certificate, to practise how clients react to them.
enum class certificate_fault : std::uint8_t {
  expired,
  not_yet_valid,
  wrong_host,
  self_signed,
  unknown_ca,  ///< signed by a CA other than the one in the clients' file
};

/// The directory holds `ca.pem`, which clients trust, and `ca.key` and `server.pem`, which only the owner may read.
/// Several processes may use one directory and may start at the same time.
class authority {
 public:
  /// Opens the directory, or creates it with mode 0700. A CA that expires within a year gets a new certificate for the
  /// same key. The failure names the file: errc::cannot_create, errc::not_permitted (it belongs to another user),
  /// errc::no_input (cannot be read), errc::bad_data (not a key or certificate, or the two do not match).
  [[nodiscard]] static result<authority> open(const std::string& directory);

  /// The absolute path of the CA file for clients.
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

  /// A certificate for these names and addresses: the stored one if it covers them all and is valid for two more
  /// months, otherwise a new one, which is then stored. Does not add this machine's names: see own_names().
  [[nodiscard]] result<server_identity> server(const std::vector<std::string>& names) const;

  /// A certificate with a fault; it is not stored.
  [[nodiscard]] result<server_identity> faulty(certificate_fault fault, const std::vector<std::string>& names) const;

 private:
  authority(std::string directory, issued own);
  [[nodiscard]] std::string kept_server(const std::vector<std::string>& names) const;

  std::string directory_;
  std::string file_;
  issued own_;
};

/// Names that clients may use for this machine: localhost, the loopback addresses, its host name, and the addresses of
/// its interfaces that are not link-local.
[[nodiscard]] std::vector<std::string> own_names();

}  // namespace netlab::tls
