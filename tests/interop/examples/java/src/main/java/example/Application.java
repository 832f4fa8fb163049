package example;

import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationEntryPointFailureHandler;
import org.springframework.security.web.authentication.HttpStatusEntryPoint;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.util.HtmlUtils;

/**
 * A web application that signs people in with Portico: Spring Boot and Spring Security's OAuth 2.0 client.
 *
 * Everything that is about the protocol is in application.properties and security.
 */
@SpringBootApplication
@RestController
public class Application {
    private static final ParameterizedTypeReference<Map<String, Object>> CLAIMS = new ParameterizedTypeReference<>() {};

    private final RestClient http = RestClient.create();

    public static void main(String[] arguments) {
        SpringApplication.run(Application.class, arguments);
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository registrations) {
        // Ends the session at Portico too, with id_token_hint, and comes back.
        var signOut = new OidcClientInitiatedLogoutSuccessHandler(registrations);
        signOut.setPostLogoutRedirectUri("{baseUrl}/");
        var refused = new AuthenticationEntryPointFailureHandler(new HttpStatusEntryPoint(HttpStatus.FORBIDDEN));
        return http
            .authorizeHttpRequests(requests -> requests.requestMatchers("/").permitAll().anyRequest().authenticated())
            // state, nonce and PKCE; the code redeemed; the ID token verified; userinfo about the same person.
            .oauth2Login(login -> login.failureHandler(refused))
            .oauth2Client(withDefaults())
            .logout(logout -> logout.logoutUrl("/sign-out").logoutSuccessHandler(signOut))
            .build();
    }

    @GetMapping(path = "/", produces = MediaType.TEXT_HTML_VALUE)
    String home(@AuthenticationPrincipal OidcUser person, CsrfToken csrf) {
        if (person == null) {
            return page("Hello", "<a href=\"/oauth2/authorization/portico\">Sign in</a>");
        }
        var token = "<input type=\"hidden\" name=\"%s\" value=\"%s\">".formatted(csrf.getParameterName(), csrf.getToken());
        return page("Hello, " + HtmlUtils.htmlEscape(person.getEmail()), """
            <a href="/profile">Profile</a>
            <form method="post" action="/sign-out">%s<button>Sign out</button></form>""".formatted(token));
    }

    /** Spring renews the client's token when it ends within a minute. */
    @GetMapping(path = "/profile", produces = MediaType.TEXT_HTML_VALUE)
    String profile(
        @AuthenticationPrincipal OidcUser who,
        @RegisteredOAuth2AuthorizedClient("portico") OAuth2AuthorizedClient client
    ) {
        var userInfo = client.getClientRegistration().getProviderDetails().getUserInfoEndpoint().getUri();
        var person = http.get().uri(userInfo)
            .headers(headers -> headers.setBearerAuth(client.getAccessToken().getTokenValue()))
            .retrieve().body(CLAIMS);
        // OpenID Connect Core section 5.3.4: userinfo counts only if it is about the same person.
        if (!who.getSubject().equals(person.get("sub"))) {
            throw new ResponseStatusException(HttpStatus.BAD_GATEWAY, "userinfo is about somebody else");
        }
        var claims = new StringBuilder();
        for (var name : new String[] {"sub", "name", "email"}) {
            claims.append("<dt>").append(name).append("<dd>");
            claims.append(HtmlUtils.htmlEscape(String.valueOf(person.get(name))));
        }
        return page("Profile", "<dl>" + claims + "</dl>");
    }

    private static String page(String heading, String content) {
        return """
            <!doctype html><html lang="en"><title>Example</title><link rel="icon" href="data:,">
            <h1>%s</h1>%s""".formatted(heading, content);
    }

    @EventListener(ApplicationReadyEvent.class)
    void ready() {
        System.out.println("{\"ready\": true}");
    }
}
