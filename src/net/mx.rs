//! Which hosts take the mail of a domain, and in which order (RFC 5321 section 5.1).
//!
//! Responsible for preference, for chance among equals, for the domain itself where no MX names another, and for null
//! MX. The questions are asked by `dns`; `route` connects.

use std::net::SocketAddr;

use super::connect::{ConnectFailure, ConnectFailureKind};
use super::dns::{self, MailExchanger, Records};

/// The hosts to try, the best first. `seed` decides among those that are equally good.
///
/// # Errors
/// The domain does not exist, takes no mail, or no resolver knows.
pub(super) async fn hosts(
    domain: &str,
    resolvers: &[SocketAddr],
    seed: u64,
) -> Result<Vec<MailExchanger>, ConnectFailure> {
    let failed = |message: String| ConnectFailure { kind: ConnectFailureKind::Name, message };
    let answer = dns::mail_exchangers(domain, resolvers)
        .await
        .map_err(|fault| failed(format!("the MX records of `{domain}` could not be looked up: {fault}")))?;
    let Records::Records(list) = answer else {
        return Err(failed(format!("the domain `{domain}` does not exist")));
    };
    in_order(domain, list, seed)
        .ok_or_else(|| failed(format!("the domain `{domain}` takes no mail: its MX record is null (RFC 7505)")))
}

/// Gives nothing where the MX record is null: the domain takes no mail (RFC 7505).
fn in_order(domain: &str, mut list: Vec<MailExchanger>, seed: u64) -> Option<Vec<MailExchanger>> {
    if list.is_empty() {
        return Some(vec![MailExchanger { preference: 0, host: domain.to_owned() }]);
    }
    list.retain(|mx| !mx.host.trim_end_matches('.').is_empty());
    if list.is_empty() {
        return None;
    }
    // The resolver's order must not matter where a seed is given: first any fixed order, then chance.
    list.sort_by(|one, other| one.host.cmp(&other.host));
    fastrand::Rng::with_seed(seed).shuffle(&mut list);
    list.sort_by_key(|mx| mx.preference);
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(records: &[(u16, &str)]) -> Vec<MailExchanger> {
        records
            .iter()
            .map(|(preference, host)| MailExchanger { preference: *preference, host: (*host).to_owned() })
            .collect()
    }

    fn ordered(records: &[(u16, &str)], seed: u64) -> Vec<String> {
        in_order("example.com", list(records), seed).unwrap().into_iter().map(|mx| mx.host).collect()
    }

    #[test]
    fn by_preference_and_by_chance_among_equals() {
        let records = [(20, "d"), (10, "a"), (10, "b"), (10, "c")];
        let orders: std::collections::BTreeSet<Vec<String>> = (0..50).map(|seed| ordered(&records, seed)).collect();
        assert_eq!(orders.len(), 6);
        assert!(orders.iter().all(|order| order[3] == "d"));
        assert_eq!(ordered(&records, 5), ordered(&[(10, "c"), (20, "d"), (10, "b"), (10, "a")], 5));
    }

    #[test]
    fn without_mx_the_domain_itself_and_with_a_null_mx_nobody() {
        assert_eq!(ordered(&[], 1), ["example.com"]);
        assert_eq!(in_order("example.com", list(&[(0, "")]), 1), None);
    }
}
