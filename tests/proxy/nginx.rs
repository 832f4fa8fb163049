use std::path::Path;

use harness::{Folder, Issued, Program, free_port};
use tokio::process::Command;

/// nginx with the site of `packaging/nginx.conf`; killed when dropped.
pub struct Nginx {
    /// Where it answers plain http.
    pub plain: u16,
    _program: Program,
}

/// One process in the foreground, which writes into the test's own folder only.
const AROUND: &str = "daemon off; master_process off; user root; pid FOLDER/nginx.pid; error_log stderr error; events {}
http { access_log off; client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi;
uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
SITE
}
";

impl Nginx {
    pub async fn start(folder: &Folder, issued: &Issued, inner: u16, outer: u16) -> Self {
        let plain = free_port();
        std::fs::write(folder.path().join("fullchain.pem"), &issued.certificate).unwrap();
        std::fs::write(folder.path().join("privkey.pem"), &issued.key).unwrap();
        let config = folder.path().join("nginx.conf");
        let text = AROUND.replace("SITE", &site(folder.path(), inner, outer, plain));
        std::fs::write(&config, text.replace("FOLDER", folder.text())).unwrap();
        let program =
            ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].into_iter().find(|it| Path::new(it).is_file());
        let mut command = Command::new(program.unwrap_or("nginx"));
        command.arg("-e").arg("stderr").arg("-p").arg(folder.path()).arg("-c").arg(&config);
        let program = Program::listening("nginx", command, outer).await;
        Self { plain, _program: program }
    }
}

/// The packaged site with this test's ports, name and files. A replacement that finds nothing fails.
fn site(folder: &Path, inner: u16, outer: u16, plain: u16) -> String {
    let mut text = include_str!("../../packaging/nginx.conf").to_owned();
    for (packaged, ours) in [
        ("    listen [::]:80;\n", String::new()),
        ("    listen [::]:443 ssl http2;\n", String::new()),
        ("listen 80;", format!("listen 127.0.0.1:{plain};")),
        ("listen 443 ssl http2;", format!("listen 127.0.0.1:{outer} ssl http2;")),
        ("server 127.0.0.1:8080;", format!("server 127.0.0.1:{inner};")),
        ("/etc/letsencrypt/live/login.example.com", folder.display().to_string()),
        ("https://login.example.com$", format!("https://localhost:{outer}$")),
        ("server_name login.example.com;", "server_name localhost;".to_owned()),
    ] {
        assert!(text.contains(packaged), "{packaged}");
        text = text.replace(packaged, &ours);
    }
    text
}
