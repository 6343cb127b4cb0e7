import { ArnFormat, CfnOutput } from 'aws-cdk-lib';
import { CfnSecurityGroup, CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, ManagedPolicy, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnAssociation, type CfnAssociationProps, CfnDocument } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

import type { Target, VpcEndpoints } from '../config/index.js';
import { agentConfig } from '../documents/agent-config.js';
import { type AgentPackage, checkAgent, deploymentHash, installAgent } from '../documents/install-agent.js';
import { runJob } from '../documents/run-job.js';
import { findPackage, refuseWithout, sha256 } from '../package.js';
import { agentStatements, ssmAgentStatements } from '../permissions/agent.js';
import { targets } from '../permissions/functions.js';
import { allow } from '../permissions/statements.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** What instances need: permissions, the agent, SSM documents, and VPC endpoints. */
export class FleetStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    const assets = this.packages();
    const packages = assets.map(({ asset, kind, digest }): AgentPackage => ({
      kind,
      url: asset.httpUrl,
      sha256: digest,
    }));
    this.document('RunJob', this.names.runJob, runJob());
    const settings = agentConfig(this.config, this.names);
    const install = this.document('InstallAgent', this.names.installAgent, installAgent(packages, settings));
    const parameters = { Deployment: [deploymentHash(packages, settings)] };
    const check = this.document('CheckAgent', this.names.checkAgent, checkAgent());
    for (const [i, target] of targets(this.config).entries()) {
      // Changes are installed at once. The daily schedule repairs instances that were changed by hand.
      this.association(`Install${i}`, install, target, {
        scheduleExpression: 'rate(1 day)',
        maxConcurrency: '10%',
        parameters,
      });
      this.association(`Check${i}`, check, target, { scheduleExpression: 'rate(30 minutes)', maxConcurrency: '100%' });
    }
    this.permissions(assets.map(({ asset }) => asset));
    if (this.config.vpc_endpoints !== undefined) this.endpoints(this.config.vpc_endpoints);
  }

  private packages(): { kind: 'rpm' | 'deb'; asset: Asset; digest: string }[] {
    return (['rpm', 'deb'] as const).flatMap((kind) => {
      const path = this.config[`agent_${kind}`];
      if (path === undefined) return [];
      const found = findPackage(path);
      if (!found.isBuilt) {
        refuseWithout(this, `agent_${kind}`, path);
        return [];
      }
      return {
        kind,
        asset: new Asset(this, `Agent${kind === 'rpm' ? 'Rpm' : 'Deb'}`, { path: found.path }),
        digest: sha256(found.path),
      };
    });
  }

  private document(id: string, name: string, content: unknown): CfnDocument {
    return new CfnDocument(this, id, {
      name,
      documentType: 'Command',
      documentFormat: 'JSON',
      content,
      updateMethod: 'NewVersion',
    });
  }

  private association(id: string, document: CfnDocument, target: Target, how: Partial<CfnAssociationProps>): void {
    const association = new CfnAssociation(this, id, {
      associationName: `${document.name}-${id.replace(/\D/g, '')}`,
      name: document.name ?? '',
      targets:
        'instance_ids' in target
          ? [{ key: 'InstanceIds', values: [...target.instance_ids] }]
          : Object.entries(target.tags).map(([key, value]) => ({ key: `tag:${key}`, values: [value] })),
      complianceSeverity: 'HIGH',
      maxErrors: '100%',
      ...how,
    });
    association.addResourceDependency(document);
  }

  /** A managed policy, so that it can be attached to a role that is not of this deployment. */
  private permissions(assets: readonly Asset[]): void {
    const statements = agentStatements(this.config, this.names, this.arns);
    const objects = assets.map((asset) =>
      this.formatArn({
        service: 's3',
        region: '',
        account: '',
        resource: asset.s3BucketName,
        resourceName: asset.s3ObjectKey,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    );
    if (objects.length > 0) statements.push(allow(['s3:GetObject'], ...objects));
    for (const asset of assets) statements.push(this.listing(asset));
    const existing = this.config.instance_role;
    const role = existing === undefined ? this.instanceRole() : Role.fromRoleName(this, 'GivenRole', existing);
    const policy = new ManagedPolicy(this, 'AgentPolicy', {
      description: `The rsqlflow agent and its scripts (${this.names.prefix})`,
      statements,
      roles: [role],
    });
    this.explain(policy, {
      [`IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:${this.config.log_group}:*]`]:
        'The streams of the log group of scripts.',
      ...Object.fromEntries(
        [...this.config.more_secrets, this.config.default_secret ?? ''].map((id) => {
          const arn = id.startsWith('arn:')
            ? id
            : `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${id}${id.endsWith('*') ? '' : '-??????'}`;
          return [
            `IAM5[Resource::${arn}]`,
            'The configuration names these secrets. Secrets Manager adds six random characters to a name.',
          ];
        }),
      ),
    });
    new CfnOutput(this, 'AgentPolicyArn', { value: policy.managedPolicyArn });
  }

  /** aws:downloadContent lists the key before it downloads it (s3resource.go of the SSM agent). */
  private listing(asset: Asset): PolicyStatement {
    return new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [asset.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [asset.s3ObjectKey, `${asset.s3ObjectKey}/*`] } },
    });
  }

  private instanceRole(): Role {
    const role = this.role(
      'InstanceRole',
      'ec2.amazonaws.com',
      `Instances that run scripts (${this.names.prefix})`,
      ssmAgentStatements(),
    );
    this.explain(role, {
      'IAM5[Resource::*]': 'These actions support no resources (Service Authorization Reference).',
    });
    const profile = new CfnInstanceProfile(this, 'InstanceProfile', { roles: [role.roleName] });
    new CfnOutput(this, 'InstanceProfileName', {
      value: profile.ref,
      description: 'Instance profile for the instances that run scripts',
    });
    return role;
  }

  /** VPC endpoints for instances without internet access. */
  private endpoints({ vpc_id: vpcId, subnet_ids, cidr, route_table_ids }: VpcEndpoints): void {
    const group = new CfnSecurityGroup(this, 'EndpointAccess', {
      vpcId,
      groupDescription: 'HTTPS from the VPC to the endpoints',
      securityGroupIngress: [{ ipProtocol: 'tcp', fromPort: 443, toPort: 443, cidrIp: cidr, description: 'HTTPS' }],
    });
    for (const service of ['ssm', 'ssmmessages', 'ec2messages', 'logs', 'secretsmanager', 'states']) {
      new CfnVPCEndpoint(this, `Endpoint-${service}`, {
        vpcId,
        serviceName: `com.amazonaws.${this.region}.${service}`,
        vpcEndpointType: 'Interface',
        subnetIds: [...subnet_ids],
        securityGroupIds: [group.attrGroupId],
        privateDnsEnabled: true,
      });
    }
    for (const service of ['dynamodb', 's3']) {
      new CfnVPCEndpoint(this, `Endpoint-${service}`, {
        vpcId,
        serviceName: `com.amazonaws.${this.region}.${service}`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [...route_table_ids],
      });
    }
  }
}
