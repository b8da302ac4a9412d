package heavylegs.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.ETagSupportEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.interceptor.CorsInterceptor;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import org.springframework.context.ApplicationContext;

/** The REST end of it: all resource types, transaction and batch, paging out of the database, JSON, CORS. */
final class Endpoint extends RestfulServer {
    private static final long serialVersionUID = 1L;

    private final transient ApplicationContext beans;

    Endpoint(ApplicationContext beans) {
        super(beans.getBean(FhirContext.class));
        this.beans = beans;
    }

    @Override
    protected void initialize() {
        registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
        registerProvider(beans.getBean(JpaSystemProvider.class));
        setServerConformanceProvider(new JpaCapabilityStatementProvider(
                this,
                beans.getBean(IFhirSystemDao.class),
                beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class),
                beans.getBean(IValidationSupport.class)));
        setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
        setDefaultResponseEncoding(EncodingEnum.JSON);
        setDefaultPrettyPrint(true); // as HAPI's public server: `next` then carries _pretty=true
        setETagSupport(ETagSupportEnum.ENABLED);
        registerInterceptor(new CorsInterceptor()); // the CDS Hooks sandbox calls from a browser
    }
}
