// A private certificate authority and what it signs, made by the openssl program.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/command.hpp"

namespace tidemark::testing {

struct Certificate {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

class CertificateAuthority {
 public:
  CertificateAuthority(const std::filesystem::path& folder, const std::string& name) : folder_(folder), name_(name) {
    const auto [certificate, key] = files(name);
    quietly({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" + name,
             "-keyout", key.string(), "-out", certificate.string()});
  }

  std::filesystem::path file() const { return files(name_).certificate; }

  // For 127.0.0.1 and git.invalid. One that has expired was valid for a day, long ago.
  enum class Validity { now, expired };
  Certificate issue(const std::string& name, Validity validity = Validity::now) const {
    const auto result = files(name);
    const auto request = folder_ / (name + ".csr");
    const auto extensions = folder_ / (name + ".ext");
    std::ofstream(extensions) << "subjectAltName=IP:127.0.0.1,DNS:git.invalid\nbasicConstraints=CA:FALSE\n";
    quietly({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name, "-keyout",
             result.key.string(), "-out", request.string()});
    if (validity == Validity::now) {
      quietly({"openssl", "x509", "-req", "-in", request.string(), "-CA", file().string(), "-CAkey", files(name_).key.string(), "-CAcreateserial",
               "-days", "2", "-extfile", extensions.string(), "-out", result.certificate.string()});
    } else {
      sign_expired(name, request, extensions, result.certificate);
    }
    return result;
  }

 private:
  // openssl tells its progress on standard error.
  static void quietly(std::vector<std::string> command) {
    command.insert(command.begin(), {"sh", "-c", "exec \"$@\" 2>/dev/null", "sh"});
    run(command);
  }
  Certificate files(const std::string& name) const { return {folder_ / (name + ".pem"), folder_ / (name + ".key")}; }

  // `openssl x509` takes no dates before today; `openssl ca` does.
  void sign_expired(const std::string& name, const std::filesystem::path& request, const std::filesystem::path& extensions,
                    const std::filesystem::path& certificate) const {
    const auto config = folder_ / (name + ".conf");
    const auto database = folder_ / (name + ".db");
    std::ofstream{database};
    std::ofstream(config) << "[ca]\ndefault_ca=d\n[d]\ndatabase=" << database.string() << "\nnew_certs_dir=" << folder_.string()
                          << "\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n";
    quietly({"openssl",    "ca",
             "-batch",     "-notext",
             "-config",    config.string(),
             "-in",        request.string(),
             "-cert",      file().string(),
             "-keyfile",   files(name_).key.string(),
             "-startdate", "20200101000000Z",
             "-enddate",   "20200102000000Z",
             "-extfile",   extensions.string(),
             "-out",       certificate.string()});
  }

  std::filesystem::path folder_;
  std::string name_;
};

}  // namespace tidemark::testing
