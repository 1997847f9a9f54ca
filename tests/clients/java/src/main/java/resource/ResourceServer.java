package resource;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Two protected paths, one for each kind of token. Decoder and introspector are those that Spring Boot makes from
 * {@code spring.security.oauth2.resourceserver.*}, which the environment sets.
 */
@SpringBootApplication
@RestController
public class ResourceServer {

    public static void main(String[] args) {
        SpringApplication.run(ResourceServer.class, args);
    }

    @Bean
    @Order(1)
    SecurityFilterChain opaque(HttpSecurity http) throws Exception {
        return http.securityMatcher("/opaque")
                .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_api:read"))
                .oauth2ResourceServer(server -> server.opaqueToken(Customizer.withDefaults()))
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain jwt(HttpSecurity http) throws Exception {
        return http.authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_api:read"))
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    /** Answers who the token speaks for. */
    @GetMapping({"/jwt", "/opaque"})
    public String name(Authentication authentication) {
        return authentication.getName();
    }
}
