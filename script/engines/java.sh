# Sourced: which JDK runs what, and what Maven fetches.

# The major version of the JDK in a folder, or nothing if there is none.
jdk_version() {
  [[ -x $1/bin/java && -x $1/bin/javac ]] || return 0
  "$1/bin/java" -version 2>&1 | sed -n 's/^[a-z]* version "\([0-9]*\).*/\1/p'
}

# "VERSION FOLDER" of each JDK here, oldest first.
jdks() {
  local folder version
  for folder in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    [[ -n $folder && ! -L $folder ]] || continue
    version=$(jdk_version "$folder")
    [[ -z $version ]] || printf '%s %s\n' "$version" "$folder"
  done | sort -n
}

# The oldest JDK that is new enough: the nearest to what the engine was built for.
jdk_since() {
  local version folder
  while read -r version folder; do
    ((version < $1)) || { printf '%s' "$folder" && return; }
  done < <(jdks)
  return 1
}

# maven ARGUMENT...: quietly, with the mirrors and credentials of the user's own settings. The log is kept in $downloads.
maven() {
  local log=$downloads/maven.log
  if ! mvn -q -B -Dstyle.color=never "$@" >"$log" 2>&1; then
    grep -m 3 '^\[ERROR\]' "$log" | cut -c 1-400 >&2 || tail -n 5 "$log" >&2
    return 1
  fi
}
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

# classpath_of FILE POM DEFINITION...: puts the class path of a pom into FILE, unless it is there with all its jars.
classpath_of() {
  local file=$1 pom=$2 jars
  shift 2
  if [[ -s $file ]]; then
    IFS=: read -r -a jars <<<"$(<"$file")"
    ls -- "${jars[@]}" >/dev/null 2>&1 && return
  fi
  maven -f "$pom" "${@/#/-D}" "$dependency_plugin:build-classpath" -Dmdep.outputFile="$file"
}
