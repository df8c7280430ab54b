#!/usr/bin/env bash
# Makes the certificates of the tests anew, all of them, in the folder of this script. Needs OpenSSL 3; the tests do not, they
# read the files as they are. Everything is good from 2020 to 2120 but what is expired on purpose.
#
#   ca, other-ca              authorities
#   a-ecdsa, a-rsa            a.test, by ca
#   wild-ecdsa                *.wild.test, by ca
#   b-ecdsa                   b.test, by ca
#   intermediate, chained     chained.test, by an intermediate of ca; chained.crt holds both
#   expired                   a.test until 2021, by ca
#   client-{good,expired,revoked}, client-other   clients, by ca and by other-ca
#   client-chained            a client by the intermediate; client-chained.crt holds both
#   ca.crl                    lists client-revoked
set -euo pipefail
cd "$(dirname "$0")"
begin=20200101000000Z
end=21200101000000Z
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

new_key() { # NAME ecdsa|rsa
  if [ "$2" = rsa ]; then openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key"
  else openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; fi
}

issue() { # NAME ecdsa|rsa AUTHORITY SUBJECT EXTENSIONS [openssl ca options]
  local name=$1 kind=$2 by=$3 subject=$4 extensions=$5
  shift 5
  [ $# -gt 0 ] || set -- -enddate $end
  [ -f "$work/$by.txt" ] || : >"$work/$by.txt"
  cat >"$work/conf" <<CONF
[ca]
default_ca = it
[it]
database = $work/$by.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
default_crl_days = 30000
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
organizationalUnitName = optional
[leaf]
$(printf '%b' "$extensions")
CONF
  new_key "$name" "$kind"
  openssl req -new -key "$name.key" -subj "$subject" -out "$work/$name.csr"
  local -a signer=(-cert "$by.crt" -keyfile "$by.key")
  [ "$name" != "$by" ] || signer=(-selfsign -keyfile "$by.key")
  openssl ca -config "$work/conf" -batch -notext -extensions leaf "${signer[@]}" -startdate $begin "$@" \
    -in "$work/$name.csr" -out "$name.crt" 2>"$work/log" || { cat "$work/log"; exit 1; }
}

server='keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName='
client='keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth'
authority='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
issue ca ecdsa ca /CN=weir-test-ca "$authority"
issue other-ca ecdsa other-ca /CN=weir-test-other-ca "$authority"
issue a-ecdsa ecdsa ca /CN=a.test "${server}DNS:a.test"
issue a-rsa rsa ca /CN=a.test "${server}DNS:a.test"
issue wild-ecdsa ecdsa ca '/CN=*.wild.test' "${server}DNS:*.wild.test"
issue b-ecdsa ecdsa ca /CN=b.test "${server}DNS:b.test"
issue expired ecdsa ca /CN=a.test "${server}DNS:a.test" -enddate 20210101000000Z
issue intermediate ecdsa ca /CN=weir-test-intermediate "$authority"
issue chained ecdsa intermediate /CN=chained.test "${server}DNS:chained.test"
cat intermediate.crt >>chained.crt
issue client-good ecdsa ca /O=weir/OU=good/CN=client-good "$client"
issue client-expired ecdsa ca /O=weir/CN=client-expired "$client" -enddate 20210101000000Z
issue client-revoked ecdsa ca /O=weir/CN=client-revoked "$client"
issue client-chained ecdsa intermediate /O=weir/CN=client-chained "$client"
cat intermediate.crt >>client-chained.crt
issue client-other ecdsa other-ca /O=weir/CN=client-other "$client"
sed -i "s#$work/other-ca.txt#$work/ca.txt#" "$work/conf"
openssl ca -config "$work/conf" -cert ca.crt -keyfile ca.key -revoke client-revoked.crt 2>/dev/null
openssl ca -config "$work/conf" -cert ca.crt -keyfile ca.key -gencrl -crl_lastupdate $begin -out ca.crl 2>/dev/null
chmod 644 ./*.key
