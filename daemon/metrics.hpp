// Metrics in Prometheus' text exposition format. The references that are handed out live as long as the Metrics; all of it is safe from every thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidemark {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void increment(double by = 1) = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;  // seconds or bytes, as its name says
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Asking twice for the same name and labels gives the same object. Names as Prometheus wants them: base units, `_total` for counters.
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& labels = {});
  // A summary with the quantiles 0.5, 0.9 and 0.99, as git-sync exports `git_sync_duration_seconds`.
  Histogram& summary(const std::string& name, const std::string& help, const Labels& labels = {});

  // The text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
  std::string exposition() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark
