//! Several addresses, nodes that refuse, nodes that are silent.

use tokio::net::UdpSocket;

use super::*;
use crate::engine::rig::node;

fn named() -> ServerAddress {
    ServerAddress { host: "localhost".to_owned(), port: 2_005 }
}

/// Refuses so many handshakes, and takes the next one.
async fn refuse_then_accept(node: Endpoint, refusals: usize) -> usize {
    for _ in 0..refusals {
        node.accept().await.unwrap().refuse();
    }
    let Some(incoming) = node.accept().await else { return refusals };
    drop(incoming.await);
    refusals + 1
}

#[tokio::test]
async fn a_node_that_refuses_is_left_for_the_next_one_within_moments() {
    let node = node();
    let address = node.local_addr().unwrap();
    let serving = tokio::spawn(refuse_then_accept(node, 3));
    let begun = std::time::Instant::now();
    race(&named(), &[address], None).await.expect("the fourth handshake is taken");
    let took = begun.elapsed();
    assert!(Duration::from_millis(150) <= took, "it waits before each: {took:?}");
    assert!(took < Duration::from_secs(4), "it does not wait long: {took:?}");
    assert_eq!(serving.await.unwrap(), 4);
}

#[tokio::test]
async fn a_node_that_only_refuses_is_not_asked_for_ever() {
    let node = node();
    let address = node.local_addr().unwrap();
    let serving = tokio::spawn(refuse_then_accept(node.clone(), REFUSALS));
    let Err(failure) = race(&named(), &[address], None).await else { panic!("nobody accepts") };
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    node.close(VarInt::from_u32(0), b"");
    assert_eq!(serving.await.unwrap(), REFUSALS, "so often it was asked");
}

#[tokio::test]
async fn a_silent_address_costs_a_head_start_and_no_more() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let node = node();
    let addresses = [silent.local_addr().unwrap(), node.local_addr().unwrap()];
    tokio::spawn(refuse_then_accept(node, 0));
    let begun = std::time::Instant::now();
    let (dialled, _) = race(&named(), &addresses, None).await.expect("the second one answers");
    assert!(begun.elapsed() < AGAIN, "{:?}", begun.elapsed());
    assert_eq!(dialled.connection.remote_address(), addresses[1]);
    let local = dialled.endpoint.local_addr().unwrap().port();
    assert_ne!(local, 0);
}
