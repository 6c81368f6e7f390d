// SPDX-License-Identifier: MIT
// What a protocol may know about the TLS connection that it runs over.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace netlab {

/// Binds a login to its TLS connection (RFC 5056).
struct channel_binding {
  std::string type;  ///< `tls-exporter` (RFC 9266), `tls-unique` (RFC 5929)
  bytes data;
};

struct tls_facts {
  std::optional<channel_binding> binding;
  std::string version;  ///< `TLSv1.3`
  std::string cipher;   ///< name as in the RFCs
};

}  // namespace netlab
