# Sourced: Elasticsearch, whose minimal distribution is in Maven Central: the whole server, security too, but no module for languages.

elasticsearch_home() {
  printf '%s' "$downloads/elasticsearch-$version"
  # A changed source makes another home.
  [[ -z $plugins ]] || printf -- '-analysis-%s' "$(sha256sum "$here/ElasticsearchAnalysis.java" | cut -c 1-8)"
}

elasticsearch_fetch() {
  local distribution=$downloads/elasticsearch-$version
  [[ -d $distribution ]] || elasticsearch_unpack
  [[ -d $home ]] || elasticsearch_add_analysis
}

elasticsearch_unpack() {
  local artifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip
  rm -rf "$downloads/new"
  mkdir "$downloads/new"
  # In that folder, since Maven leaves its marker in the current one.
  (cd "$downloads/new" && maven "$dependency_plugin:unpack" -Dartifact="$artifact" -DoutputDirectory=.) ||
    die "Maven could not fetch Elasticsearch $version (its words are above)"
  mv "$downloads/new/elasticsearch-$version" "$distribution"
  rm -r "$downloads/new"
}

# A home beside it, of hard links, with our plugin.
elasticsearch_add_analysis() {
  local plugin=$downloads/new/home/plugins/tidemark-analysis
  rm -rf "$downloads/new"
  mkdir "$downloads/new"
  cp -al "$distribution" "$downloads/new/home"
  mkdir -p "$plugin"
  "$jdk/bin/javac" -nowarn --release "$oldest_java" -d "$downloads/new/classes" -cp "$distribution/lib/*" "$here/ElasticsearchAnalysis.java" \
    2>"$downloads/javac.log" ||
    die "the analysis plugin does not compile against Elasticsearch $version: $(grep -m 3 error: "$downloads/javac.log")"
  "$jdk/bin/jar" --create --file "$plugin/tidemark-analysis.jar" -C "$downloads/new/classes" .
  cat >"$plugin/plugin-descriptor.properties" <<TXT
name=tidemark-analysis
description=the part of the module analysis-common that Tidemark uses
version=$version
elasticsearch.version=$version
java.version=$oldest_java
classname=tidemark.ElasticsearchAnalysis
TXT
  mv "$downloads/new/home" "$home"
  rm -r "$downloads/new"
}

# Elasticsearch refuses to be root. In a user namespace it is not, yet root's files stay its own; where there are none, it becomes `nobody`.
elasticsearch_leave_root() {
  as=()
  ((EUID == 0)) || return 0
  as=(unshare --user --map-user=1000 --map-group=1000)
  ! "${as[@]}" true 2>/dev/null || return 0
  as=(setpriv --reuid nobody --regid nogroup --clear-groups)
  chown -R nobody:nogroup "$dir"
  "${as[@]}" test -r "$dir/config" -a -r "$home/bin" ||
    die "Elasticsearch refuses to run as root, and the user 'nobody' may not enter $dir and $home. Run this as another user"
}

elasticsearch_run() {
  "${as[@]}" env HOME="$dir" ES_JAVA_HOME="$jdk" ES_PATH_CONF="$dir/config" ES_TMPDIR="$dir/tmp" ES_JAVA_OPTS="${TIDEMARK_ENGINE_JAVA:-} -Xms$heap -Xmx$heap -D$mark" "$@"
}

elasticsearch_configure() {
  cp -r "$home"/config/. "$dir/config/"
  {
    common_settings
    printf 'xpack.security.enabled: %s\n' "$([[ -n $password ]] && printf true || printf false)"
  } >"$dir/config/elasticsearch.yml"
  [[ $tls == no ]] || elasticsearch_tls >>"$dir/config/elasticsearch.yml"
  elasticsearch_leave_root
  [[ -z $password ]] || elasticsearch_keep_password
}

elasticsearch_keep_password() {
  rm -f "$dir/config/elasticsearch.keystore"
  elasticsearch_run "$home/bin/elasticsearch-keystore" create >/dev/null 2>"$dir/log" &&
    elasticsearch_run "$home/bin/elasticsearch-keystore" add -x bootstrap.password <<<"$password" >/dev/null 2>>"$dir/log" ||
    die "the password could not be stored: $(tail -n 1 "$dir/log")"
}

# A private CA and a certificate for loopback; prints the settings.
elasticsearch_tls() {
  local certs=$dir/config/certs
  if [[ ! -e $dir/ca.pem ]]; then
    mkdir -p "$certs"
    {
      openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Tidemark test CA' -keyout "$certs/ca.key" -out "$certs/ca.pem"
      openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$certs/server.key" -out "$certs/server.csr"
      openssl x509 -req -in "$certs/server.csr" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" -CAcreateserial -days 3650 -out "$certs/server.pem" \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    } 2>"$dir/openssl.log" || die "openssl could not make the certificates: $(tail -n 1 "$dir/openssl.log")"
    cp "$certs/ca.pem" "$dir/ca.pem"
  fi
  printf 'xpack.security.http.ssl: { enabled: true, key: certs/server.key, certificate: certs/server.pem }\n'
}

elasticsearch_launch() {
  # In the background by its own option: that leaves one JVM instead of two.
  elasticsearch_run setsid "$home/bin/elasticsearch" --daemonize --pidfile "$dir/pid" >"$dir/log" 2>&1 </dev/null 9>&- || start_failed
}
