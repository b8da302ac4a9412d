package heavylegs.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.util.VersionUtil;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * HAPI's instance validator (the engine of HL7's validator) over R4 resources, without a network.
 *
 * <p>Reads stdin, one resource as JSON a line; answers each line with one line of JSON, in order: {@code {"issues":
 * [{"severity", "rule", "location", "message"}]}}, severity as FHIR writes it. The first line of all says the version.
 *
 * <p>Profiles, value sets and code systems are those that R4 itself brings. Codes of a system that is not among them
 * (SNOMED CT, LOINC) cannot be looked up: that is a warning and no error.
 */
public final class Validate {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Validate() {}

    public static void main(String[] arguments) throws Exception {
        var context = FhirContext.forR4();
        var validator = validator(context);
        var output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        output.println(JSON.writeValueAsString(Map.of("validator", "HAPI FHIR " + VersionUtil.getVersion())));
        output.flush();
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            output.println(JSON.writeValueAsString(Map.of("issues", issues(validator, line))));
            output.flush();
        }
    }

    private static FhirValidator validator(FhirContext context) {
        var chain = new ValidationSupportChain(List.of(
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context)));
        return context.newValidator().registerValidatorModule(new FhirInstanceValidator(chain));
    }

    private static List<Map<String, String>> issues(FhirValidator validator, String line) {
        try {
            return validator.validateWithResult(line).getMessages().stream()
                    .map(Validate::issue)
                    .toList();
        } catch (BaseServerResponseException error) { // no resource at all
            return List.of(issue("fatal", "unreadable", "", error.getMessage()));
        }
    }

    private static Map<String, String> issue(SingleValidationMessage found) {
        return issue(
                found.getSeverity().getCode(),
                Objects.toString(found.getMessageId(), "parser"),
                Objects.toString(found.getLocationString(), ""),
                Objects.toString(found.getMessage(), ""));
    }

    private static Map<String, String> issue(String severity, String rule, String location, String message) {
        var issue = new LinkedHashMap<String, String>();
        issue.put("severity", severity);
        issue.put("rule", rule);
        issue.put("location", location);
        issue.put("message", message);
        return issue;
    }
}
