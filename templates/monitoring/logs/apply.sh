# Puts lifecycle policies, component templates and index templates into Elasticsearch; repeating it changes nothing.
#   ELASTICSEARCH_URL=https://elasticsearch.example.com:9200 sh apply.sh
# No credentials stand here: curl takes them from ~/.netrc, or from a file named by CURL_CONFIG
# (`header = "Authorization: ApiKey ..."`, `cacert = "/path/ca.crt"`). With KIBANA_URL and KIBANA_OBJECTS its objects
# are imported too.
set -eu

: "${ELASTICSEARCH_URL:?set it to the address of Elasticsearch}"
folder=$(dirname -- "$0")

call() {
  curl --fail-with-body --silent --show-error --netrc-optional ${CURL_CONFIG:+--config "$CURL_CONFIG"} "$@"
  echo
}

put() {
  for file in "$folder/$1"/*.json; do
    name=$(basename -- "$file" .json)
    echo "$2/$name"
    call --request PUT --header 'Content-Type: application/json' --data-binary "@$file" "${ELASTICSEARCH_URL%/}/$2/$name"
  done
}

# each refers to what stands before it
put ilm-policies _ilm/policy
put component-templates _component_template
put index-templates _index_template

if [ -n "${KIBANA_URL:-}" ] && [ -n "${KIBANA_OBJECTS:-}" ]; then
  echo "saved objects"
  call --request POST --header 'kbn-xsrf: true' --form "file=@$KIBANA_OBJECTS" \
    "${KIBANA_URL%/}/api/saved_objects/_import?overwrite=true"
fi
