"""What Infisical answers with null where other releases leave it out."""

from __future__ import annotations

from bootstrap.models import ClientSecretData, IdentityMembership, ServerStatus
from bootstrap.project_models import Folder, Project, ProjectRole, Secret, SecretsWritten


def test_what_may_be_missing_may_be_null() -> None:
    status = ServerStatus.model_validate(
        {"date": "", "message": "Ok", "redisConfigured": None, "maxIdentityAccessTokenTTL": None}
    )
    assert status.max_identity_access_token_ttl is None
    secret = Secret.model_validate(
        {
            "secretKey": "A", "secretValue": "", "secretComment": None, "secretPath": None,
            "secretValueHidden": None, "secretMetadata": [{"key": "managed-by", "value": None}],
        }
    )  # fmt: skip
    assert (secret.secret_comment, secret.secret_value_hidden, secret.secret_metadata[0].value) == ("", False, "")
    assert Secret.model_validate({"secretKey": "A", "secretValue": "", "secretMetadata": None}).secret_metadata == ()
    project = {"id": "p", "name": "P", "slug": "p", "description": None, "environments": None}
    assert Project.model_validate(project).environments == ()
    assert Folder.model_validate({"id": "f", "name": "f", "parentId": None, "description": None}).parent_id is None
    role = ProjectRole.model_validate({"role": "viewer", "customRoleSlug": None, "isTemporary": None})
    assert (role.name, role.is_temporary) == ("viewer", False)
    data = ClientSecretData.model_validate({"id": "c", "description": None, "isClientSecretRevoked": None})
    assert (data.description, data.is_client_secret_revoked) == ("", False)
    identity = {"id": "i", "name": "ci"}
    membership = {"identityId": "i", "role": "member", "identity": identity, "customRole": None}
    assert IdentityMembership.model_validate(membership).custom_role is None
    assert SecretsWritten.model_validate({"secrets": [], "approval": None}).approval is None
